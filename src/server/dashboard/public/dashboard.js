// Keeps the page up to date: on an event of the server the page is fetched again and its <main> takes the place of the
// old one. Nothing here is needed to read or use a page.

const WAIT_MS = 400;

const main = () => document.querySelector("main");

/** Open details and the focused element, so that a refresh takes nothing from whoever is reading. */
function placesOf(root) {
  const open = [...root.querySelectorAll("details")].map(({ open }) => open);
  const focusable = [...root.querySelectorAll("a, button, input, textarea, select, summary, [tabindex]")];
  return { open, focus: focusable.indexOf(document.activeElement), count: focusable.length };
}

function restore(root, { open, focus, count }) {
  const details = [...root.querySelectorAll("details")];
  if (details.length === open.length) for (const [k, each] of details.entries()) each.open = open[k];
  const focusable = [...root.querySelectorAll("a, button, input, textarea, select, summary, [tabindex]")];
  if (focus >= 0 && focusable.length === count) focusable[focus].focus({ preventScroll: true });
}

/** Whether someone is at a form: what is typed must not go. */
const isBusy = () =>
  main()?.hasAttribute("data-still") || document.activeElement?.matches("input, textarea, select");

let isRunning = false;
let isWanted = false;

async function refresh() {
  isWanted = true;
  if (isRunning || isBusy() || document.hidden) return;
  isRunning = true;
  try {
    while (isWanted) {
      isWanted = false;
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const old = main();
      if (!fresh || !old || isBusy()) return;
      const places = placesOf(old);
      const { scrollX, scrollY } = window;
      old.replaceWith(fresh);
      restore(fresh, places);
      window.scrollTo(scrollX, scrollY);
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    }
  } catch {
    // The server is away; the stream reconnects by itself and brings the next event.
  } finally {
    isRunning = false;
  }
}

function listen() {
  const path = document.documentElement.dataset.events;
  if (!path || main()?.hasAttribute("data-still")) return;
  const stream = new EventSource(path);
  for (const name of ["audit", "evaluation"]) stream.addEventListener(name, refresh);
}

// What happened while nobody looked, or while somebody typed, is shown when they are back.
for (const name of ["visibilitychange", "focusout"])
  document.addEventListener(name, () => isWanted && refresh());
listen();
