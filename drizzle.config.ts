import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: [
    "./src/store/schema.ts",
    "./src/store/archive-schema.ts",
    "./src/store/access-schema.ts",
    "./src/store/webhook-schema.ts",
  ],
  out: "./drizzle",
});
