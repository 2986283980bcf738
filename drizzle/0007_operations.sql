CREATE TABLE `evaluations` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`experiment_id` integer NOT NULL,
	`verdict` text NOT NULL,
	`reason` text NOT NULL,
	`digest` text NOT NULL,
	`folded_seq` integer NOT NULL,
	`numbers` text NOT NULL,
	`shares` text NOT NULL,
	`review` text NOT NULL,
	`needs_review` integer NOT NULL,
	`is_turn` integer NOT NULL,
	`in_hour` integer NOT NULL,
	`actor` text NOT NULL,
	`at_ms` integer NOT NULL,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `evaluations_experiment` ON `evaluations` (`experiment_id`);--> statement-breakpoint
CREATE INDEX `evaluations_review` ON `evaluations` (`needs_review`);--> statement-breakpoint
CREATE TABLE `write_receipts` (
	`writer` text PRIMARY KEY NOT NULL,
	`attempt` integer NOT NULL,
	`at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `studies` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`name` text NOT NULL,
	`hypothesis` text,
	`rules` text NOT NULL,
	`metrics` text NOT NULL,
	`since_ms` integer,
	`until_ms` integer,
	`created_at_ms` integer NOT NULL,
	`concluded_at_ms` integer,
	`findings` text,
	`archived_at_ms` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `studies_name` ON `studies` (`project_id`,`name`);--> statement-breakpoint
CREATE TABLE `study_tags` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`study_id` integer NOT NULL,
	`session_seq` integer NOT NULL,
	`arm` text NOT NULL,
	`actor` text NOT NULL,
	`at_ms` integer NOT NULL,
	FOREIGN KEY (`study_id`) REFERENCES `studies`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`session_seq`) REFERENCES `sessions`(`seq`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `study_tags_session` ON `study_tags` (`session_seq`,`study_id`);--> statement-breakpoint
CREATE TABLE `webhook_deliveries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uid` text NOT NULL,
	`webhook_id` text NOT NULL,
	`event_id` integer NOT NULL,
	`status` text NOT NULL,
	`attempts` integer NOT NULL,
	`next_at_ms` integer NOT NULL,
	`last_at_ms` integer,
	`last_status` integer,
	`last_error` text,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`event_id`) REFERENCES `audit_log`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_deliveries_uid_unique` ON `webhook_deliveries` (`uid`);--> statement-breakpoint
CREATE UNIQUE INDEX `webhook_deliveries_once` ON `webhook_deliveries` (`webhook_id`,`event_id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_due` ON `webhook_deliveries` (`status`,`next_at_ms`);--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`project_id` integer,
	`url` text NOT NULL,
	`actions` text,
	`secret` text NOT NULL,
	`previous_secret` text,
	`previous_until_ms` integer,
	`allow_private` integer NOT NULL,
	`is_enabled` integer NOT NULL,
	`seen_id` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `experiments` ADD `assign` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `queue_position` integer;--> statement-breakpoint
CREATE INDEX `experiments_queued` ON `experiments` (`project_id`,`queue_position`) WHERE status = 'draft' AND queue_position IS NOT NULL;--> statement-breakpoint
ALTER TABLE `projects` ADD `budget_limit` real;--> statement-breakpoint
ALTER TABLE `projects` ADD `budget_window_ms` integer;