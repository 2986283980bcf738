CREATE TABLE `write_receipts` (
	`writer` text PRIMARY KEY NOT NULL,
	`attempt` integer NOT NULL,
	`at_ms` integer NOT NULL
);
