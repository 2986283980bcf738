/**
 * The thread of statements that may take long.
 */
import { workerData } from "node:worker_threads";
import { asideService } from "./aside-service.js";
import { serveThread } from "./thread.js";

serveThread(asideService(workerData));
