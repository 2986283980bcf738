CREATE TABLE `arms` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`experiment_id` integer NOT NULL,
	`position` integer NOT NULL,
	`role` text NOT NULL,
	`config_id` integer NOT NULL,
	`bucket_count` integer NOT NULL,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "arms_bucket_count" CHECK(bucket_count BETWEEN 0 AND 10000)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `arms_experiment_position` ON `arms` (`experiment_id`,`position`);--> statement-breakpoint
CREATE UNIQUE INDEX `arms_one_champion` ON `arms` (`experiment_id`) WHERE role = 'champion';--> statement-breakpoint
CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`experiment_id` integer,
	`action` text NOT NULL,
	`actor` text NOT NULL,
	`reason` text,
	`details` text NOT NULL,
	`at_ms` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `audit_log_project` ON `audit_log` (`project_id`);--> statement-breakpoint
CREATE TABLE `checkpoints` (
	`experiment_id` integer PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`folded_seq` integer NOT NULL,
	`evidence` text NOT NULL,
	`updated_at_ms` integer NOT NULL,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `configs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`hash` text NOT NULL,
	`body` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `configs_hash_unique` ON `configs` (`hash`);--> statement-breakpoint
CREATE TABLE `decisions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uid` text NOT NULL,
	`experiment_id` integer NOT NULL,
	`is_terminal` integer NOT NULL,
	`verdict` text NOT NULL,
	`reason` text NOT NULL,
	`session_count` integer NOT NULL,
	`folded_seq` integer NOT NULL,
	`is_expired` integer NOT NULL,
	`policy` text NOT NULL,
	`plan_share` real NOT NULL,
	`promotion` text NOT NULL,
	`evidence` text NOT NULL,
	`evaluation` text NOT NULL,
	`engine_version` text NOT NULL,
	`actor` text NOT NULL,
	`note` text,
	`decided_at_ms` integer NOT NULL,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `decisions_uid_unique` ON `decisions` (`uid`);--> statement-breakpoint
CREATE UNIQUE INDEX `decisions_one_terminal` ON `decisions` (`experiment_id`) WHERE is_terminal = 1;--> statement-breakpoint
CREATE INDEX `decisions_experiment` ON `decisions` (`experiment_id`);--> statement-breakpoint
CREATE TABLE `experiments` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uid` text NOT NULL,
	`project_id` integer NOT NULL,
	`status` text NOT NULL,
	`version` integer NOT NULL,
	`champion_config_id` integer NOT NULL,
	`challenger_config_id` integer NOT NULL,
	`again` text NOT NULL,
	`hash_version` integer NOT NULL,
	`policy` text NOT NULL,
	`policy_hash` text NOT NULL,
	`plan_share` real NOT NULL,
	`promotion` text NOT NULL,
	`awaiting_seq` integer,
	`created_at_ms` integer NOT NULL,
	`started_at_ms` integer,
	`ended_at_ms` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`champion_config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`challenger_config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `experiments_uid_unique` ON `experiments` (`uid`);--> statement-breakpoint
CREATE UNIQUE INDEX `experiments_one_slot` ON `experiments` (`project_id`) WHERE status IN ('running', 'paused');--> statement-breakpoint
CREATE INDEX `experiments_pair` ON `experiments` (`project_id`,`champion_config_id`,`challenger_config_id`);--> statement-breakpoint
CREATE TABLE `projects` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`key` text NOT NULL,
	`champion_config_id` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`champion_config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `projects_key_unique` ON `projects` (`key`);--> statement-breakpoint
CREATE TABLE `reigns` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`project_id` integer NOT NULL,
	`config_id` integer NOT NULL,
	`cause` text NOT NULL,
	`started_at_ms` integer NOT NULL,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `reigns_project` ON `reigns` (`project_id`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`project_id` integer NOT NULL,
	`config_id` integer NOT NULL,
	`experiment_id` integer,
	`arm_id` integer,
	`unit` text,
	`share` real,
	`is_evidence` integer NOT NULL,
	`excluded` text,
	`context` text,
	`started_at_ms` integer NOT NULL,
	`window_ends_at_ms` integer NOT NULL,
	`ended_at_ms` integer,
	`settled_at_ms` integer,
	`score` real,
	`is_missing` integer,
	`is_abandoned` integer,
	`signal_count` integer,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`arm_id`) REFERENCES `arms`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "sessions_score" CHECK(score IS NULL OR score BETWEEN 0 AND 1)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sessions_id_unique` ON `sessions` (`id`);--> statement-breakpoint
CREATE INDEX `sessions_experiment` ON `sessions` (`experiment_id`,`seq`);--> statement-breakpoint
CREATE INDEX `sessions_project` ON `sessions` (`project_id`,`seq`);--> statement-breakpoint
CREATE INDEX `sessions_due` ON `sessions` (`window_ends_at_ms`) WHERE settled_at_ms IS NULL;--> statement-breakpoint
CREATE INDEX `sessions_unsettled` ON `sessions` (`experiment_id`,`seq`) WHERE settled_at_ms IS NULL AND is_evidence = 1;--> statement-breakpoint
CREATE TABLE `signals` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`session_seq` integer NOT NULL,
	`key` text NOT NULL,
	`name` text NOT NULL,
	`value` real NOT NULL,
	`kind` text,
	`source` text,
	`accepted_at_ms` integer NOT NULL,
	`is_late` integer NOT NULL,
	FOREIGN KEY (`session_seq`) REFERENCES `sessions`(`seq`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signals_session_key` ON `signals` (`session_seq`,`key`);--> statement-breakpoint
CREATE INDEX `signals_late` ON `signals` (`session_seq`) WHERE is_late = 1;--> statement-breakpoint
CREATE TABLE `units` (
	`experiment_id` integer NOT NULL,
	`unit` text NOT NULL,
	`arm_id` integer NOT NULL,
	`session_id` text NOT NULL,
	PRIMARY KEY(`experiment_id`, `unit`),
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`arm_id`) REFERENCES `arms`(`id`) ON UPDATE no action ON DELETE no action
);
