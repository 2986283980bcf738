CREATE TABLE `revisions` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`experiment_id` integer NOT NULL,
	`from_seq` integer NOT NULL,
	`fields` text NOT NULL,
	`at_ms` integer NOT NULL,
	FOREIGN KEY (`experiment_id`) REFERENCES `experiments`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `revisions_experiment` ON `revisions` (`experiment_id`);--> statement-breakpoint
ALTER TABLE `decisions` ADD `live` text;--> statement-breakpoint
ALTER TABLE `experiments` ADD `share_rule` text;--> statement-breakpoint
UPDATE `experiments` SET policy = json_insert(policy, '$.alphaGuard', 0.05, '$.guardrails', json('[]'), '$.metrics', json('{}'), '$.fuse', NULL, '$.scoring.mode', 'class', '$.scoring.rules', json('{}')), policy_hash = '';--> statement-breakpoint
UPDATE `decisions` SET policy = json_insert(policy, '$.alphaGuard', 0.05, '$.guardrails', json('[]'), '$.metrics', json('{}'), '$.fuse', NULL, '$.scoring.mode', 'class', '$.scoring.rules', json('{}'));
