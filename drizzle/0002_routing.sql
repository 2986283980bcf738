CREATE TABLE `overrides` (
	`experiment_id` integer NOT NULL,
	`unit` text NOT NULL,
	`arm_id` integer NOT NULL,
	`actor` text NOT NULL,
	`reason` text NOT NULL,
	`at_ms` integer NOT NULL,
	PRIMARY KEY(`experiment_id`, `unit`),
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`arm_id`) REFERENCES `arms`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `project_configs` (
	`project_id` integer NOT NULL,
	`config_id` integer NOT NULL,
	`parent_config_id` integer,
	`label` text,
	`actor` text NOT NULL,
	`reason` text,
	`added_at_ms` integer NOT NULL,
	PRIMARY KEY(`project_id`, `config_id`),
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`parent_config_id`) REFERENCES `configs`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `project_configs_label` ON `project_configs` (`project_id`,`label`);--> statement-breakpoint
ALTER TABLE `arms` ADD `out` text;--> statement-breakpoint
ALTER TABLE `decisions` ADD `plan_shares` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `decisions` ADD `out` text;--> statement-breakpoint
ALTER TABLE `decisions` ADD `arm` integer;--> statement-breakpoint
ALTER TABLE `experiments` ADD `kind` text DEFAULT 'contest' NOT NULL;--> statement-breakpoint
ALTER TABLE `experiments` ADD `hypothesis` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `description` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `owner` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `tags` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `experiments` ADD `plan_shares` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
ALTER TABLE `experiments` ADD `audience` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `exclusion_group` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `holdout_buckets` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `experiments` ADD `watch` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `open_design` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `starts_at_ms` integer;--> statement-breakpoint
ALTER TABLE `experiments` ADD `awaiting_arm` integer;--> statement-breakpoint
ALTER TABLE `experiments` ADD `archived_at_ms` integer;--> statement-breakpoint
CREATE INDEX `experiments_scheduled` ON `experiments` (`starts_at_ms`) WHERE status = 'draft';--> statement-breakpoint
CREATE INDEX `experiments_group` ON `experiments` (`exclusion_group`) WHERE exclusion_group IS NOT NULL;--> statement-breakpoint
ALTER TABLE `projects` ADD `holdout_buckets` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `sessions` ADD `root_id` text;--> statement-breakpoint
ALTER TABLE `sessions` ADD `shares` text;--> statement-breakpoint
CREATE INDEX `sessions_root` ON `sessions` (`root_id`) WHERE root_id IS NOT NULL;--> statement-breakpoint
UPDATE `sessions` SET `shares` = json_array(`share`) WHERE `share` IS NOT NULL;--> statement-breakpoint
UPDATE `experiments` SET `plan_shares` = json_array(`plan_share`), `awaiting_arm` = CASE WHEN `awaiting_seq` IS NULL THEN NULL ELSE 1 END;--> statement-breakpoint
UPDATE `decisions` SET `plan_shares` = json_array(`plan_share`), `arm` = CASE WHEN `verdict` = 'promote' OR `reason` = 'awaiting-approval' THEN 1 END;--> statement-breakpoint
INSERT OR IGNORE INTO `project_configs` (`project_id`, `config_id`, `actor`, `added_at_ms`) SELECT `project_id`, `config_id`, 'library', `started_at_ms` FROM `reigns` WHERE `cause` = 'created' ORDER BY `id`;--> statement-breakpoint
INSERT OR IGNORE INTO `project_configs` (`project_id`, `config_id`, `parent_config_id`, `actor`, `reason`, `added_at_ms`) SELECT `project_id`, `challenger_config_id`, `champion_config_id`, 'library', nullif(`again`, ''), `created_at_ms` FROM `experiments` ORDER BY `id`;
