/**
 * The writer's thread.
 */
import { serveThread } from "../thread.js";
import { writerService } from "./writer-service.js";

serveThread(writerService);
