/** The service's documents, field for field as its API sends them. */

/** What is to be done with every photo of a job. What is left out is the deployment's default. */
export interface Options {
  /** Fills in what is not given here; `darkroom.presets()` lists them. */
  preset?: string;
  remove_bg?: boolean;
  crop_face?: boolean;
  model?: string;
  edges?: 'clean' | 'plain' | 'smooth' | 'matting' | 'decontaminate';
  /** The subject's place in a result of a fixed size in pixels, or of an aspect such as `4:5`. */
  canvas?:
    | (({ width: number; height: number } | { aspect: string }) & {
        /** The part of the canvas that the subject takes on its tighter side. */
        fill?: number;
        position?: 'centre' | 'bottom' | { x?: number; y?: number };
        upscale?: boolean;
      })
    | null;
  shadow?: Shadow | { kind: Shadow; strength?: number; softness?: number };
  /**
   * `#RRGGBB` or `#RRGGBBAA`; the photo itself, blurred, in percent; or a picture of the
   * deployment's by its name. null is transparent.
   */
  background?: string | { blur: number } | { image: string } | null;
  output?: 'cutout' | 'mask';
  format?: 'png' | 'webp' | 'jpeg' | 'avif' | 'tiff';
  quality?: number | null;
  dpi?: number | null;
  max_side?: number | null;
  trim?: boolean;
  /** A fraction of the subject's size, around it. */
  margin?: number;
  face?: {
    which?: 'largest' | 'all';
    padding?: number;
    aspect?: string | null;
    align?: boolean;
    on_missing?: 'keep' | 'fail';
  };
}

export type Shadow = 'none' | 'contact' | 'drop';

/** A file as it is announced to the service. `size` is in bytes and must be exact. */
export interface NewFile {
  name: string;
  size: number;
  content_type: string;
}

/** The body of `POST /jobs`. */
export interface JobRequest {
  files: NewFile[];
  options: Options;
}

/** A presigned POST: a form with these fields, and the file last. */
export interface UploadGrant {
  url: string;
  fields: Record<string, string>;
}

/** The answer to `POST /jobs`. `expires_at` is the end of the upload grants. */
export interface CreatedJob {
  job_id: string;
  token: string;
  files: { file_id: string; name: string; upload: UploadGrant }[];
  websocket_url: string;
  expires_at: string;
}

export type JobStatus =
  'awaiting_upload' | 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'expired';

export type FileStatus =
  | 'awaiting_upload'
  | 'queued'
  | 'expanding'
  | 'expanded'
  | 'succeeded'
  | 'failed'
  | 'skipped'
  | 'cancelled';

/** A code for programs and a sentence for people. */
export interface Problem {
  code: string;
  message: string;
}

/** A job's progress. `progress.total` is null until every upload has been listed. */
export interface JobDocument {
  job_id: string;
  status: JobStatus;
  sequence: number;
  progress: { processed: number; total: number | null; percentage: number };
  /** `review` counts succeeded files whose confidence is below 0.5. */
  summary: { succeeded: number; failed: number; skipped: number; review?: number };
  archive: { status: 'none' | 'building' | 'ready' | 'failed'; bytes?: number };
  recent: { file_id: string; name: string; status: string; error?: Problem }[];
  error: Problem | null;
  /** Only in answers of the HTTP API. `download` is the ZIP itself, for an hour. */
  links?: { download?: string };
}

/** A result's `url` needs no credential and expires after an hour. */
export interface FileResult {
  url: string;
  content_type: string;
  bytes: number;
  width: number;
  height: number;
  faces: number | null;
  face_score: number | null;
  model: string | null;
  warnings: Problem[];
}

/** How far a cutout can be trusted: below a score of 0.5 it needs a look. */
export interface Confidence {
  score: number;
  reasons: Problem[];
}

export interface FileDocument {
  file_id: string;
  name: string;
  status: FileStatus;
  bytes: number;
  error: Problem | null;
  confidence?: Confidence | null;
  result: FileResult | null;
}

/** A page may hold fewer files than asked for, even none; the list ends where `cursor` is null. */
export interface FilePage {
  files: FileDocument[];
  cursor: string | null;
}

/** `options` are those that it gives; every other one keeps its default. */
export interface Preset {
  name: string;
  description: string;
  options: Options;
  source: string | null;
  checked: string | null;
}

export interface Models {
  default: string;
  models: string[];
}

const FINAL: readonly JobStatus[] = ['completed', 'failed', 'cancelled', 'expired'];

export function isFinal(status: JobStatus): boolean {
  return FINAL.includes(status);
}

/**
 * Nothing more will happen by itself. A cancelled job's last photos still come to their end, and its
 * ZIP after them.
 */
export function isSettled({ status, progress, archive }: JobDocument): boolean {
  if (!isFinal(status) || archive.status === 'building') return false;
  if (status !== 'cancelled' || archive.status !== 'none') return true;
  return progress.total !== null && progress.processed >= progress.total;
}
