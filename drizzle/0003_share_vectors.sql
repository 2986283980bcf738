ALTER TABLE `decisions` DROP COLUMN `plan_share`;--> statement-breakpoint
ALTER TABLE `experiments` DROP COLUMN `plan_share`;--> statement-breakpoint
ALTER TABLE `sessions` DROP COLUMN `share`;