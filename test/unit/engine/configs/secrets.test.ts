import { describe, expect, it } from "vitest";
import type { DethroneError, Json, JsonObject } from "../../../../src/core/errors.js";
import { assertNoSecrets } from "../../../../src/engine/configs/secrets.js";

function refusal(body: JsonObject, allowed?: readonly string[]): DethroneError {
  try {
    assertNoSecrets(body, allowed);
  } catch (error) {
    return error as DethroneError;
  }
  throw new Error("accepted");
}

/** A text as long and mixed as a key, put together here so that no scanner takes this file for a leak. */
const mixed = (length: number): string => "a1B2c3D4e5".repeat(10).slice(0, length);
const upper = (length: number): string => "A1B2C3D4E5".repeat(10).slice(0, length);

/** Credentials by what they are said to be. */
const SHAPES: readonly (readonly [string, string])[] = [
  ["an API key (sk-...)", `sk-${mixed(48)}`],
  ["an API key (sk-...)", `sk-proj-${mixed(20)}_${mixed(20)}-x`],
  ["an API key (sk-...)", `sk-ant-api03-${mixed(30)}-${mixed(30)}`],
  ["an API key (sk-...)", `sk-or-v1-${"0a1b".repeat(16)}`],
  ["a Stripe key", `sk_live_${mixed(24)}`],
  ["a Stripe key", `rk_test_${mixed(24)}`],
  ["an AWS access key", `AKIA${upper(16)}`],
  ["an AWS access key", `ASIA${upper(16)}`],
  ["a GitHub token", `ghp_${mixed(36)}`],
  ["a GitHub token", `gho_${mixed(36)}`],
  ["a GitHub token", `github_pat_${mixed(22)}_${mixed(59)}`],
  ["a GitLab token", `glpat-${mixed(20)}`],
  ["a Slack token", `xoxb-${"1234567890-"}${mixed(24)}`],
  ["a Slack token", `xoxp-${mixed(24)}`],
  ["a Google API key", `AIza${mixed(35)}`],
  ["a Hugging Face token", `hf_${mixed(34)}`],
  ["an npm token", `npm_${mixed(36)}`],
  ["a private key", "-----BEGIN PRIVATE KEY-----\nMIIB"],
  ["a private key", "-----BEGIN RSA PRIVATE KEY-----"],
  ["a private key", "-----BEGIN PGP PRIVATE KEY BLOCK-----"],
  ["a JSON web token", `eyJ${mixed(20)}.eyJ${mixed(40)}.${mixed(43)}`],
  ["a JSON web token", `eyJ${mixed(20)}.eyJ${mixed(40)}.`],
  ["a password in a URL", "https://user:password@example.org/x"],
  ["a password in a URL", "postgres://app:s3cret%21@db:5432/x?ssl=1"],
  ["a password in a URL", "redis://:s3cret@cache"],
];

describe("a field named like a secret", () => {
  it.each([
    ["apiKey", "hunter2"],
    ["api_key", "hunter2"],
    ["apikey", "hunter2"],
    ["APIKey", "hunter2"],
    ["OPENAI_API_KEY", "hunter2"],
    ["OPENAI_API_KEY_2", "hunter2"],
    ["x-api-key", "hunter2"],
    ["secret", "hunter2"],
    ["clientSecret", "hunter2"],
    ["webhook-secret", "hunter2"],
    ["password", "hunter2"],
    ["password", "correct horse"],
    ["password", "password"],
    ["dbPassword", "p"],
    ["passwd", "hunter2"],
    ["passphrase", "correct horse battery staple"],
    ["token", "abc123"],
    ["accessToken", "abc123"],
    ["authToken", "abc123"],
    ["GITHUB_TOKEN", "abc123"],
    ["oauth2Token", "abc123"],
    ["accesstoken", "abc123"],
    ["Authorization", "Bearer abc123"],
    ["proxy_authorization", "Basic YTpi"],
    ["privateKey", "abc123"],
    ["aws_secret_access_key", "abc123"],
    ["credentials", "abc123"],
    ["credential", "abc123"],
    ["jwt", "abc123"],
    ["bearer", "abc123"],
  ])("%s: %j is refused", (name, value) => {
    const error = refusal({ http: { [name]: value } });
    expect(error).toMatchObject({
      code: "config_secret",
      kind: "invalid_input",
      details: { path: `http.${name}`, reason: "its name says so", paths: [`http.${name}`], count: 1 },
    });
    expect(error.message).toContain(`'http.${name}' looks like a secret: its name says so`);
  });

  it("is refused in an array, and by the name of a pair", () => {
    expect(refusal({ apiKeys: ["$A_KEY", "abc"] }).details.path).toBe("apiKeys.1");
    expect(refusal({ accessTokens: [["abc"]] }).details.path).toBe("accessTokens.0.0");
    const pair = (name: string, value: Json) => ({ env: [{ name, value }] });
    expect(refusal(pair("GITHUB_TOKEN", "abc")).details.path).toBe("env.0.value");
    expect(refusal({ headers: [{ key: "Authorization", value: "Bearer abc" }] }).details.count).toBe(1);
    assertNoSecrets(pair("LOG_LEVEL", "debug"));
    assertNoSecrets(pair("GITHUB_TOKEN", "$GITHUB_TOKEN"));
    assertNoSecrets({ value: "debug", l: [["value"]] });
  });

  it.each<[string, Json]>([
    ["maxTokens", 4000],
    ["max_tokens", "4000"],
    ["tokenBudget", "4000"],
    ["token_limit", "4000"],
    ["tokens", ["a", "b"]],
    ["tokenizer", "cl100k"],
    ["tokenizerName", "o200k_base"],
    ["stopToken", "</s>"],
    ["stop_token", "END"],
    ["eosToken", "eos"],
    ["decoder_start_token", "x"],
    ["pricePerToken", "0.01"],
    ["timeToFirstToken", "200ms"],
    ["nextPageToken", "abc"],
    ["secretary_prompt", "You are a secretary."],
    ["secretaryName", "Ada"],
    ["passwordPolicy", "strict"],
    ["password_hint", "ask"],
    ["apiKeyEnv", "MY_KEY"],
    ["apiKeyName", "main"],
    ["privateKeyPath", "/run/key.pem"],
    ["tokenUrl", "https://example.org/token"],
    ["authorizationUrl", "https://example.org/authorize"],
    ["publicKey", "ssh-ed25519 AAAA"],
    ["cacheKey", "user"],
    ["key", "value"],
    ["keys", ["a"]],
    ["compass", "north"],
    ["author", "Ada"],
    ["", "x"],
    ["token", 4000],
    ["password", true],
    ["secret", null],
    ["password", ""],
    ["password", "  "],
    ["token", { limit: "many" }],
    ["password", { type: "string", description: "The user's password" }],
    ["required", ["password", "apiKey"]],
  ])("%s: %j is none", (name, value) => {
    assertNoSecrets({ [name]: value });
  });

  it.each([
    "$OPENAI_API_KEY",
    `\${KEY}`,
    `\${{ secrets.KEY }}`,
    "$(pass show key)",
    "{{key}}",
    "{api_key}",
    "%API_KEY%",
    "OPENAI_API_KEY",
    "env:KEY",
    "env.KEY",
    "process.env.X",
    "process.env['X']",
    "import.meta.env.X",
    'os.environ["X"]',
    "op://vault/item/field",
    "vault:secret/data/x#key",
    "secret://x",
    "secrets.KEY",
    "file:/run/secrets/key",
    "arn:aws:secretsmanager:eu-west-1:1:secret:x",
    "projects/p/secrets/s/versions/1",
    "<your key>",
    "[your key]",
    "your-api-key",
    "YOUR KEY HERE",
    "changeme",
    "***",
    "•••••",
    "xxxx-xxxx",
    "...",
    "Bearer $API_KEY",
    "Bearer {{token}}",
    "Bearer",
    "string",
    "string?",
    "required",
    "include",
    "redacted",
    "Tell the user how to reset it.",
  ])("may hold %j", (value) => {
    assertNoSecrets({ apiKey: value, password: value, nested: { token: [value] } });
  });
});

describe("a text with a credential of a known shape", () => {
  it.each(SHAPES)("%s: %s is refused wherever it stands", (what, secret) => {
    for (const text of [
      secret,
      `Call it with ${secret}.`,
      `KEY=${secret}\nnext`,
      `"${secret}"`,
      `x${"\n"}${secret}`,
    ]) {
      const error = refusal({ tools: [{ prompt: text }] });
      expect(error).toMatchObject({
        code: "config_secret",
        details: { path: "tools.0.prompt", reason: `it contains ${what}` },
      });
      expect(JSON.stringify(error) + error.message + error.stack).not.toContain(secret);
    }
  });

  it.each(SHAPES)("%s: %s is refused as a key, and told by nobody", (what, secret) => {
    const error = refusal({ a: { [secret]: { password: "hunter2" } } });
    expect(error.details).toMatchObject({
      path: "a",
      reason: `a key in it contains ${what}`,
      paths: ["a", "(a path with a secret in it)"],
    });
    const told = JSON.stringify(error) + error.message;
    expect(told).not.toContain(secret);
    expect(told).not.toContain(JSON.stringify(secret).slice(1, -1));
    expect(refusal({ [secret]: 1 }).details.path).toBe("(the whole)");
  });

  it.each([
    "sk-learn, sk-SK and sk-toggleable__content-arrow are no keys",
    "task-a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5",
    "Keys begin with sk-ant-api03-... or sk-proj-...",
    `sk-${"x".repeat(48)}`,
    `ghp_${"x".repeat(36)}`,
    "ghp_short, hf_model, npm_config_registry, glpat-x",
    "the AKIA prefix, AKIA1234",
    `NOTAKIA${upper(16)}`,
    `AKIA${upper(20)}`,
    "AIza is how they begin",
    "xoxb- is how they begin",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "eyJ0eXAi.eyJ",
    `eyJ${mixed(20)}`,
    "https://example.org:8080/path?mail=a@b.org",
    "http://localhost:3000?user=a@b.org",
    "https://user@example.org",
    "mailto:a@b.org, see https://example.org: ask ada@example.org",
    "postgres://app:$PGPASSWORD@db/x",
    `postgres://app:\${PGPASSWORD}@db/x`,
    "postgres://app:{{password}}@db/x",
    "postgres://app:<password>@db/x",
    "postgres://app:***@db/x",
    "https://api.example.org/v1/{id}:cancel",
  ])("%j has none", (text) => {
    assertNoSecrets({ system: text });
  });

  it("is found behind one that is only drawn", () => {
    const text = `sk-${"x".repeat(48)} or sk-${mixed(48)}`;
    expect(refusal({ system: text }).details.reason).toBe("it contains an API key (sk-...)");
  });
});

describe("the refusal", () => {
  it("counts all such fields and names the first five, in order", () => {
    const keys = Array.from({ length: 7 }, (_, index) => [`m${index}`, { apiKey: "hunter2" }]);
    const error = refusal(Object.fromEntries(keys));
    expect(error.details).toMatchObject({
      path: "m0.apiKey",
      count: 7,
      paths: [0, 1, 2, 3, 4].map((index) => `m${index}.apiKey`),
    });
    expect(error.message).toContain("(7 such fields in all)");
    expect(JSON.stringify(error) + error.message).not.toContain("hunter2");
  });

  it("says what may stand there instead", () => {
    const error = refusal({ apiKey: "hunter2" });
    expect(error.message).toContain("name of an environment variable");
    expect(error.details.allowed).toContain("'$API_KEY'");
    assertNoSecrets({ apiKey: "$OPENAI_API_KEY", maxTokens: 4000 });
  });

  it("leaves out the paths that are allowed, and only those", () => {
    const body = { login: { password: "hunter2" }, "a.b": [{ token: "abc" }], system: `sk-${mixed(48)}` };
    assertNoSecrets(body, ["login.password", '"a.b".0.token', "system"]);
    expect(refusal(body, ["login", "a.b.0.token", "system"]).details.paths).toEqual([
      "login.password",
      '"a.b".0.token',
    ]);
  });
});

describe("long texts", () => {
  // Each would keep a pattern busy for minutes if it read the same part again from every place.
  it.each([
    ["words", "You are a careful agent. "],
    ["spaces", " "],
    ["one letter", "a"],
    ["beginnings of keys", "sk-"],
    ["beginnings of prefixed keys", "sk-a-"],
    ["beginnings of web tokens", "eyJ"],
    ["short web tokens", "eyJaaaaaaaaa.eyJ-."],
    ["beginnings of URLs", "://"],
    ["users of URLs", "://a:"],
    ["beginnings of private keys", "-----BEGIN "],
    ["digits", "AKIA"],
    ["underscores", "ghp_"],
    ["variables", "${"],
    ["brackets", "<"],
  ])("of a megabyte of %s pass", (_title, part) => {
    const text = part.repeat(Math.ceil(2 ** 20 / part.length));
    assertNoSecrets({ system: text, l: [text], tokenizer: text });
    try {
      assertNoSecrets({ password: text, [text.slice(0, 100_000)]: 1 });
    } catch (error) {
      expect(error).toMatchObject({ code: "config_secret", details: { path: "password" } });
    }
  });
});
