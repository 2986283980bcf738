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
ALTER TABLE `experiments` ADD `queue_position` integer;--> statement-breakpoint
CREATE INDEX `experiments_queued` ON `experiments` (`project_id`,`queue_position`) WHERE status = 'draft' AND queue_position IS NOT NULL;--> statement-breakpoint
ALTER TABLE `projects` ADD `budget_limit` real;--> statement-breakpoint
ALTER TABLE `projects` ADD `budget_window_ms` integer;