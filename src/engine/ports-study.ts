/**
 * Studies as the store holds them, and the sessions they are made of.
 */
import type { MetricPolicy } from "../core/decision/policy.js";
import type { JsonObject } from "../core/errors.js";
import type { ScoringSignal } from "../core/sessions/score.js";
import type { StudyRules, StudyTag } from "../core/studies/classification.js";
import type { StudyNumbers } from "../core/studies/study.js";
import type { AuditEntry } from "./ports.js";

/** What a study is. */
export interface StudyTerms {
  /** unique within its project */
  readonly name: string;
  /** what is expected, and why */
  readonly hypothesis: string | null;
  readonly rules: StudyRules;
  readonly metrics: Readonly<Record<string, Partial<MetricPolicy>>>;
  /** sessions started at or after; null: from the first */
  readonly sinceMs: number | null;
  /** sessions started before; null: up to the last */
  readonly untilMs: number | null;
}

/** A commit that a revision stood for. */
interface ResolvedRevision {
  readonly revision: string;
  /** null where git could not tell */
  readonly commit: string | null;
}

/** What git was asked, and what kept it from answering. */
export interface GitFacts {
  readonly champion: ResolvedRevision;
  readonly challenger: ResolvedRevision;
  /** null where git could be asked */
  readonly problem: string | null;
}

/** What a study has found at one time. */
export interface StudyFindings {
  readonly numbers: StudyNumbers;
  /** null without a rule by git */
  readonly git: GitFacts | null;
  /** hash of the config that most sessions of the challenger's arm ran; null without any */
  readonly challengerConfig: string | null;
  readonly atMs: number;
}

/** A study as stored. */
export interface StoredStudy extends StudyTerms {
  readonly id: number;
  readonly projectId: number;
  readonly createdAtMs: number;
  /** null while it goes on */
  readonly concludedAtMs: number | null;
  /** what was found by its conclusion; null while it goes on */
  readonly findings: StudyFindings | null;
  readonly archivedAtMs: number | null;
}

/** A study on its way in. */
export interface NewStudy extends StudyTerms {
  readonly projectId: number;
  readonly audit: AuditEntry;
}

/** A session of which nobody randomised the arm. */
export interface StudyRow {
  readonly seq: number;
  readonly unit: string | null;
  /** hash of its config */
  readonly config: string;
  readonly context: JsonObject | null;
  readonly startedAtMs: number;
  /** from start to end; null where it never ended */
  readonly durationMs: number | null;
  readonly isSettled: boolean;
  readonly score: number | null;
  /** counted signals, in the order of their acceptance */
  readonly signals: readonly ScoringSignal[];
}

/** A session that a study may classify. */
export interface TaggedRow extends StudyRow {
  readonly tag: StudyTag | null;
}

/** A session that a rule gave an arm of an experiment. */
export interface AssignedRow extends StudyRow {
  /** 0 the champion's, j the j-th challenger's */
  readonly arm: number;
}

/** Studies and their tags. */
export interface StudyStore {
  /** Adds a study if its name is free in its project; whether it was. */
  add(study: NewStudy): Promise<boolean>;
  /** Newest first. */
  list(projectId: number): Promise<StoredStudy[]>;
  /** Stores what was found, for good; whether the study still went on. */
  conclude(input: {
    readonly study: StoredStudy;
    readonly findings: StudyFindings;
    readonly audit: AuditEntry;
  }): Promise<boolean>;
  /** Whether it was concluded, and not archived. */
  archive(input: { readonly study: StoredStudy; readonly audit: AuditEntry }): Promise<boolean>;
  /** Gives a session of the study's project an arm, if the study goes on and the session has none; whether it did. */
  tag(input: {
    readonly study: StoredStudy;
    readonly sessionId: string;
    readonly arm: StudyTag;
    readonly actor: string;
    readonly atMs: number;
  }): Promise<boolean>;
  /** The arm a session was given by hand; null where it has none. */
  tagOf(studyId: number, sessionId: string): Promise<StudyTag | null>;
  /** Sessions outside of experiments in the study's window after `afterSeq`, in the order of their assignment. */
  sessions(input: {
    readonly study: StoredStudy;
    readonly afterSeq: number;
    readonly limit: number;
  }): Promise<TaggedRow[]>;
  /** Sessions that a rule gave their arm of an experiment after `afterSeq`, in the order of their assignment. */
  assignedSessions(input: {
    readonly experimentId: number;
    readonly afterSeq: number;
    readonly limit: number;
  }): Promise<AssignedRow[]>;
}
