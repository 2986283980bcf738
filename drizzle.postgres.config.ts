import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: "./scripts/postgres-schema.ts",
  out: "./drizzle/postgres",
});
