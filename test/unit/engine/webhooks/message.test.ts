import { CloudEvent, type CloudEventV1 } from "cloudevents";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { cloudEvent, headersOf, newSecret } from "../../../../src/engine/webhooks/message.js";

const ENTRY = {
  id: 7,
  project: "support / é",
  experiment: "0199-e",
  action: "promoted",
  actor: "tick",
  reason: "evidence",
  details: { sessionCount: 12 },
  atMs: Date.UTC(2026, 0, 1),
};

describe("an event", () => {
  it("is a CloudEvent 1.0, as the library of its makers reads it", () => {
    const event = new CloudEvent(cloudEvent("m1", ENTRY) as unknown as CloudEventV1<unknown>);
    expect(event.validate()).toBe(true);
    expect(event).toMatchObject({
      specversion: "1.0",
      id: "m1",
      type: "dethrone.experiment.promoted",
      source: "urn:dethrone:project:support%20%2F%20%C3%A9",
      subject: "0199-e",
      time: "2026-01-01T00:00:00.000Z",
      data: ENTRY,
    });
  });

  it("of a project has the project's type and subject", () => {
    expect(cloudEvent("m1", { ...ENTRY, experiment: null, action: "rollback" })).toMatchObject({
      type: "dethrone.project.rollback",
      subject: "support / é",
    });
  });
});

describe("a signature", () => {
  const nowMs = Date.now();
  const body = JSON.stringify(cloudEvent("m1", ENTRY));
  const secret = newSecret();
  const alone = { secret, previousSecret: null, previousUntilMs: null };

  it("is one that the library of Standard Webhooks verifies", () => {
    const headers = headersOf(alone, { id: "m1", body, nowMs });
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, "webhook-id": "m2" })).toThrow();
  });

  it("is made with the secret before a rotation too, until its time is over", () => {
    const rotated = { secret: newSecret(), previousSecret: secret, previousUntilMs: nowMs + 1 };
    const during = headersOf(rotated, { id: "m1", body, nowMs });
    for (const each of [secret, rotated.secret]) new Webhook(each).verify(body, during);
    const after = headersOf(rotated, { id: "m1", body, nowMs: nowMs + 1 });
    new Webhook(rotated.secret).verify(body, after);
    expect(() => new Webhook(secret).verify(body, after)).toThrow();
  });
});
