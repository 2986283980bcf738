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
ALTER TABLE `experiments` ADD `assign` text;