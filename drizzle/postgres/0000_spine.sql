CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"hash" text NOT NULL,
	"scopes" text NOT NULL,
	"projects" text,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint,
	"revoked_at_ms" bigint,
	"last_used_at_ms" bigint,
	CONSTRAINT "api_keys_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "archive_pages" (
	"experiment_id" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"unit_count" bigint NOT NULL,
	"body" "bytea" NOT NULL,
	CONSTRAINT "archive_pages_experiment_id_last_seq_pk" PRIMARY KEY("experiment_id","last_seq")
);
--> statement-breakpoint
CREATE TABLE "archives" (
	"experiment_id" bigint PRIMARY KEY NOT NULL,
	"unit_count" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"hash" text NOT NULL,
	"sealed_at_ms" bigint,
	"counts" text,
	"breakdown" text
);
--> statement-breakpoint
CREATE TABLE "arms" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"experiment_id" bigint NOT NULL,
	"position" bigint NOT NULL,
	"role" text NOT NULL,
	"config_id" bigint NOT NULL,
	"bucket_count" bigint NOT NULL,
	"out" text,
	CONSTRAINT "arms_bucket_count" CHECK (bucket_count BETWEEN 0 AND 10000)
);
--> statement-breakpoint
CREATE TABLE "audit_log" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"project_id" bigint NOT NULL,
	"experiment_id" bigint,
	"action" text NOT NULL,
	"actor" text NOT NULL,
	"reason" text,
	"details" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"experiment_id" bigint PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL,
	"folded_seq" bigint NOT NULL,
	"evidence" text NOT NULL,
	"updated_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "configs" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"body" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	CONSTRAINT "configs_hash_unique" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "decisions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"uid" text NOT NULL,
	"experiment_id" bigint NOT NULL,
	"is_terminal" smallint NOT NULL,
	"verdict" text NOT NULL,
	"reason" text NOT NULL,
	"session_count" bigint NOT NULL,
	"folded_seq" bigint NOT NULL,
	"is_expired" smallint NOT NULL,
	"policy" text NOT NULL,
	"plan_shares" text DEFAULT '[]' NOT NULL,
	"promotion" text NOT NULL,
	"out" text,
	"arm" bigint,
	"live" text,
	"evidence" text NOT NULL,
	"evaluation" text NOT NULL,
	"engine_version" text NOT NULL,
	"actor" text NOT NULL,
	"note" text,
	"decided_at_ms" bigint NOT NULL,
	CONSTRAINT "decisions_uid_unique" UNIQUE("uid")
);
--> statement-breakpoint
CREATE TABLE "evaluations" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"experiment_id" bigint NOT NULL,
	"verdict" text NOT NULL,
	"reason" text NOT NULL,
	"digest" text NOT NULL,
	"folded_seq" bigint NOT NULL,
	"numbers" text NOT NULL,
	"shares" text NOT NULL,
	"review" text NOT NULL,
	"needs_review" smallint NOT NULL,
	"is_turn" smallint NOT NULL,
	"in_hour" bigint NOT NULL,
	"actor" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "experiments" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"uid" text NOT NULL,
	"project_id" bigint NOT NULL,
	"status" text NOT NULL,
	"version" bigint NOT NULL,
	"champion_config_id" bigint NOT NULL,
	"challenger_config_id" bigint NOT NULL,
	"kind" text DEFAULT 'contest' NOT NULL,
	"hypothesis" text,
	"description" text,
	"owner" text,
	"tags" text DEFAULT '[]' NOT NULL,
	"again" text NOT NULL,
	"hash_version" bigint NOT NULL,
	"policy" text NOT NULL,
	"policy_hash" text NOT NULL,
	"share_rule" text,
	"plan_shares" text DEFAULT '[]' NOT NULL,
	"promotion" text NOT NULL,
	"audience" text,
	"exclusion_group" text,
	"assign" text,
	"holdout_buckets" bigint DEFAULT 0 NOT NULL,
	"watch" text,
	"open_design" text,
	"starts_at_ms" bigint,
	"queue_position" bigint,
	"awaiting_seq" bigint,
	"awaiting_arm" bigint,
	"created_at_ms" bigint NOT NULL,
	"started_at_ms" bigint,
	"ended_at_ms" bigint,
	"archived_at_ms" bigint,
	CONSTRAINT "experiments_uid_unique" UNIQUE("uid")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"key_id" text NOT NULL,
	"idempotency_key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"status" bigint,
	"body" text,
	"started_at_ms" bigint NOT NULL,
	CONSTRAINT "idempotency_keys_key_id_idempotency_key_pk" PRIMARY KEY("key_id","idempotency_key")
);
--> statement-breakpoint
CREATE TABLE "leases" (
	"name" text PRIMARY KEY NOT NULL,
	"holder" text NOT NULL,
	"expires_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "overrides" (
	"experiment_id" bigint NOT NULL,
	"unit" text NOT NULL,
	"arm_id" bigint NOT NULL,
	"actor" text NOT NULL,
	"reason" text NOT NULL,
	"at_ms" bigint NOT NULL,
	CONSTRAINT "overrides_experiment_id_unit_pk" PRIMARY KEY("experiment_id","unit")
);
--> statement-breakpoint
CREATE TABLE "project_configs" (
	"project_id" bigint NOT NULL,
	"config_id" bigint NOT NULL,
	"parent_config_id" bigint,
	"label" text,
	"actor" text NOT NULL,
	"reason" text,
	"added_at_ms" bigint NOT NULL,
	CONSTRAINT "project_configs_project_id_config_id_pk" PRIMARY KEY("project_id","config_id")
);
--> statement-breakpoint
CREATE TABLE "projects" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"key" text NOT NULL,
	"champion_config_id" bigint NOT NULL,
	"holdout_buckets" bigint DEFAULT 0 NOT NULL,
	"budget_limit" double precision,
	"budget_window_ms" bigint,
	"created_at_ms" bigint NOT NULL,
	CONSTRAINT "projects_key_unique" UNIQUE("key")
);
--> statement-breakpoint
CREATE TABLE "reigns" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"project_id" bigint NOT NULL,
	"config_id" bigint NOT NULL,
	"cause" text NOT NULL,
	"started_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "revisions" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"experiment_id" bigint NOT NULL,
	"from_seq" bigint NOT NULL,
	"fields" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"seq" bigserial PRIMARY KEY NOT NULL,
	"id" text NOT NULL,
	"project_id" bigint NOT NULL,
	"config_id" bigint NOT NULL,
	"experiment_id" bigint,
	"arm_id" bigint,
	"unit" text,
	"root_id" text,
	"shares" text,
	"is_evidence" smallint NOT NULL,
	"excluded" text,
	"context" text,
	"started_at_ms" bigint NOT NULL,
	"window_ends_at_ms" bigint NOT NULL,
	"ended_at_ms" bigint,
	"settled_at_ms" bigint,
	"score" double precision,
	"is_missing" smallint,
	"is_abandoned" smallint,
	"signal_count" bigint,
	CONSTRAINT "sessions_id_unique" UNIQUE("id"),
	CONSTRAINT "sessions_score" CHECK (score IS NULL OR score BETWEEN 0 AND 1)
);
--> statement-breakpoint
CREATE TABLE "signals" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"session_seq" bigint NOT NULL,
	"key" text NOT NULL,
	"name" text NOT NULL,
	"value" double precision NOT NULL,
	"kind" text,
	"source" text,
	"accepted_at_ms" bigint NOT NULL,
	"is_late" smallint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "studies" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"project_id" bigint NOT NULL,
	"name" text NOT NULL,
	"hypothesis" text,
	"rules" text NOT NULL,
	"metrics" text NOT NULL,
	"since_ms" bigint,
	"until_ms" bigint,
	"created_at_ms" bigint NOT NULL,
	"concluded_at_ms" bigint,
	"findings" text,
	"archived_at_ms" bigint
);
--> statement-breakpoint
CREATE TABLE "study_tags" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"study_id" bigint NOT NULL,
	"session_seq" bigint NOT NULL,
	"arm" text NOT NULL,
	"actor" text NOT NULL,
	"at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "units" (
	"experiment_id" bigint NOT NULL,
	"unit" text NOT NULL,
	"arm_id" bigint NOT NULL,
	"session_id" text NOT NULL,
	CONSTRAINT "units_experiment_id_unit_pk" PRIMARY KEY("experiment_id","unit")
);
--> statement-breakpoint
CREATE TABLE "webhook_deliveries" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"uid" text NOT NULL,
	"webhook_id" text NOT NULL,
	"event_id" bigint NOT NULL,
	"status" text NOT NULL,
	"attempts" bigint NOT NULL,
	"next_at_ms" bigint NOT NULL,
	"last_at_ms" bigint,
	"last_status" bigint,
	"last_error" text,
	CONSTRAINT "webhook_deliveries_uid_unique" UNIQUE("uid")
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" text PRIMARY KEY NOT NULL,
	"project_id" bigint,
	"url" text NOT NULL,
	"actions" text,
	"secret" text NOT NULL,
	"previous_secret" text,
	"previous_until_ms" bigint,
	"allow_private" smallint NOT NULL,
	"is_enabled" smallint NOT NULL,
	"seen_id" bigint NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "archive_pages" ADD CONSTRAINT "archive_pages_experiment_id_archives_experiment_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."archives"("experiment_id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "archives" ADD CONSTRAINT "archives_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "arms" ADD CONSTRAINT "arms_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "arms" ADD CONSTRAINT "arms_config_id_configs_id_fk" FOREIGN KEY ("config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "audit_log" ADD CONSTRAINT "audit_log_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "decisions" ADD CONSTRAINT "decisions_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "evaluations" ADD CONSTRAINT "evaluations_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "experiments" ADD CONSTRAINT "experiments_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "experiments" ADD CONSTRAINT "experiments_champion_config_id_configs_id_fk" FOREIGN KEY ("champion_config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "experiments" ADD CONSTRAINT "experiments_challenger_config_id_configs_id_fk" FOREIGN KEY ("challenger_config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "overrides" ADD CONSTRAINT "overrides_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "overrides" ADD CONSTRAINT "overrides_arm_id_arms_id_fk" FOREIGN KEY ("arm_id") REFERENCES "public"."arms"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_configs" ADD CONSTRAINT "project_configs_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_configs" ADD CONSTRAINT "project_configs_config_id_configs_id_fk" FOREIGN KEY ("config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "project_configs" ADD CONSTRAINT "project_configs_parent_config_id_configs_id_fk" FOREIGN KEY ("parent_config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "projects" ADD CONSTRAINT "projects_champion_config_id_configs_id_fk" FOREIGN KEY ("champion_config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reigns" ADD CONSTRAINT "reigns_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reigns" ADD CONSTRAINT "reigns_config_id_configs_id_fk" FOREIGN KEY ("config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "revisions" ADD CONSTRAINT "revisions_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_config_id_configs_id_fk" FOREIGN KEY ("config_id") REFERENCES "public"."configs"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_arm_id_arms_id_fk" FOREIGN KEY ("arm_id") REFERENCES "public"."arms"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "signals" ADD CONSTRAINT "signals_session_seq_sessions_seq_fk" FOREIGN KEY ("session_seq") REFERENCES "public"."sessions"("seq") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "studies" ADD CONSTRAINT "studies_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "study_tags" ADD CONSTRAINT "study_tags_study_id_studies_id_fk" FOREIGN KEY ("study_id") REFERENCES "public"."studies"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "study_tags" ADD CONSTRAINT "study_tags_session_seq_sessions_seq_fk" FOREIGN KEY ("session_seq") REFERENCES "public"."sessions"("seq") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "units" ADD CONSTRAINT "units_experiment_id_experiments_id_fk" FOREIGN KEY ("experiment_id") REFERENCES "public"."experiments"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "units" ADD CONSTRAINT "units_arm_id_arms_id_fk" FOREIGN KEY ("arm_id") REFERENCES "public"."arms"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "public"."webhooks"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_event_id_audit_log_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."audit_log"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_project_id_projects_id_fk" FOREIGN KEY ("project_id") REFERENCES "public"."projects"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "arms_experiment_position" ON "arms" USING btree ("experiment_id","position");--> statement-breakpoint
CREATE UNIQUE INDEX "arms_one_champion" ON "arms" USING btree ("experiment_id") WHERE role = 'champion';--> statement-breakpoint
CREATE INDEX "audit_log_project" ON "audit_log" USING btree ("project_id");--> statement-breakpoint
CREATE UNIQUE INDEX "decisions_one_terminal" ON "decisions" USING btree ("experiment_id") WHERE is_terminal = 1;--> statement-breakpoint
CREATE INDEX "decisions_experiment" ON "decisions" USING btree ("experiment_id");--> statement-breakpoint
CREATE INDEX "evaluations_experiment" ON "evaluations" USING btree ("experiment_id");--> statement-breakpoint
CREATE INDEX "evaluations_review" ON "evaluations" USING btree ("needs_review");--> statement-breakpoint
CREATE UNIQUE INDEX "experiments_one_slot" ON "experiments" USING btree ("project_id") WHERE status IN ('running', 'paused');--> statement-breakpoint
CREATE INDEX "experiments_pair" ON "experiments" USING btree ("project_id","champion_config_id","challenger_config_id");--> statement-breakpoint
CREATE INDEX "experiments_scheduled" ON "experiments" USING btree ("starts_at_ms") WHERE status = 'draft';--> statement-breakpoint
CREATE INDEX "experiments_queued" ON "experiments" USING btree ("project_id","queue_position") WHERE status = 'draft' AND queue_position IS NOT NULL;--> statement-breakpoint
CREATE INDEX "experiments_group" ON "experiments" USING btree ("exclusion_group") WHERE exclusion_group IS NOT NULL;--> statement-breakpoint
CREATE INDEX "idempotency_keys_started" ON "idempotency_keys" USING btree ("started_at_ms");--> statement-breakpoint
CREATE UNIQUE INDEX "project_configs_label" ON "project_configs" USING btree ("project_id","label");--> statement-breakpoint
CREATE INDEX "reigns_project" ON "reigns" USING btree ("project_id");--> statement-breakpoint
CREATE INDEX "revisions_experiment" ON "revisions" USING btree ("experiment_id");--> statement-breakpoint
CREATE INDEX "sessions_experiment" ON "sessions" USING btree ("experiment_id","seq");--> statement-breakpoint
CREATE INDEX "sessions_project" ON "sessions" USING btree ("project_id","seq");--> statement-breakpoint
CREATE INDEX "sessions_unit" ON "sessions" USING btree ("unit") WHERE unit IS NOT NULL;--> statement-breakpoint
CREATE INDEX "sessions_root" ON "sessions" USING btree ("root_id") WHERE root_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX "sessions_due" ON "sessions" USING btree ("window_ends_at_ms") WHERE settled_at_ms IS NULL;--> statement-breakpoint
CREATE INDEX "sessions_unsettled" ON "sessions" USING btree ("experiment_id","seq") WHERE settled_at_ms IS NULL AND is_evidence = 1;--> statement-breakpoint
CREATE UNIQUE INDEX "signals_session_key" ON "signals" USING btree ("session_seq","key");--> statement-breakpoint
CREATE INDEX "signals_late" ON "signals" USING btree ("session_seq") WHERE is_late = 1;--> statement-breakpoint
CREATE UNIQUE INDEX "studies_name" ON "studies" USING btree ("project_id","name");--> statement-breakpoint
CREATE UNIQUE INDEX "study_tags_session" ON "study_tags" USING btree ("session_seq","study_id");--> statement-breakpoint
CREATE UNIQUE INDEX "webhook_deliveries_once" ON "webhook_deliveries" USING btree ("webhook_id","event_id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_due" ON "webhook_deliveries" USING btree ("status","next_at_ms");