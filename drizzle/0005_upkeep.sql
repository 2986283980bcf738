CREATE TABLE `archive_pages` (
	`experiment_id` integer NOT NULL,
	`last_seq` integer NOT NULL,
	`unit_count` integer NOT NULL,
	`body` blob NOT NULL,
	PRIMARY KEY(`experiment_id`, `last_seq`),
	FOREIGN KEY (`experiment_id`) REFERENCES `archives`(`experiment_id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `archives` (
	`experiment_id` integer PRIMARY KEY NOT NULL,
	`unit_count` integer NOT NULL,
	`last_seq` integer NOT NULL,
	`hash` text NOT NULL,
	`sealed_at_ms` integer,
	`counts` text,
	`breakdown` text,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
