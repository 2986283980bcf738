/**
 * The thread of statements that may take long.
 */
import { workerData } from "node:worker_threads";
import { serveThread } from "../thread.js";
import { asideService } from "./aside-service.js";

serveThread(asideService(workerData));
