import { asCreatedJob, asModels, asPresets } from './answers.ts';
import { MalformedError } from './errors.ts';
import { callService } from './http.ts';
import { Job } from './job.ts';
import type { JobHandle } from './job.ts';
import type { CreatedJob, JobRequest, Models, NewFile, Options, Preset } from './model.ts';
import type { Upload } from './upload.ts';

/** The deployment's key, or a function that fetches it. */
export type ApiKey = string | (() => string | Promise<string>);

/** Creates a job through a back end of one's own; answers as `POST /jobs` does. */
export type CreateJob = (request: JobRequest, signal?: AbortSignal) => Promise<CreatedJob>;

export interface DarkroomConfig {
  apiUrl: string;
  /** In the place of the address that the service names. */
  websocketUrl?: string | undefined;
  /** Needed to create jobs, unless `createJob` does it. */
  apiKey?: ApiKey | undefined;
  createJob?: CreateJob | undefined;
}

export interface NewJob {
  job: Job;
  /** In the order of the files that were given. */
  fileIds: string[];
  uploads: Upload[];
}

/** The most files one job takes; each may be a ZIP with thousands of photos. */
export const MAX_FILES = 100;

const CONTENT_TYPE = /^[\w.+-]+\/[\w.+-]+$/;

export class Darkroom {
  private readonly config: DarkroomConfig;
  private readonly apiUrl: string;

  constructor(config: DarkroomConfig) {
    this.config = config;
    this.apiUrl = config.apiUrl.replace(/\/+$/, '');
  }

  /** The models this deployment carries. */
  async models(signal?: AbortSignal): Promise<Models> {
    return asModels(await callService(`${this.apiUrl}/models`, { signal }), this.apiUrl);
  }

  /** The deployment's presets, as `options.preset` names them. */
  async presets(signal?: AbortSignal): Promise<Preset[]> {
    const answer = await callService(`${this.apiUrl}/presets`, { signal });
    return asPresets(answer, this.apiUrl).presets;
  }

  /** Announces up to MAX_FILES files. Upload them with `uploadFiles(uploads)`. */
  async createJob(
    files: readonly File[],
    options: Options = {},
    signal?: AbortSignal,
  ): Promise<NewJob> {
    const request = { files: files.map(describe), options };
    const created = asCreatedJob(await this.create(request, signal), this.apiUrl);
    if (created.files.length !== files.length) throw new MalformedError(this.apiUrl);
    const expiresAt = Date.parse(created.expires_at);
    return {
      job: this.job({
        jobId: created.job_id,
        token: created.token,
        websocketUrl: this.config.websocketUrl || created.websocket_url || '',
      }),
      fileIds: created.files.map(({ file_id }) => file_id),
      uploads: created.files.map(({ upload }, index) => ({
        grant: upload,
        file: files[index] as File,
        ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
      })),
    };
  }

  /** A job that was created before. */
  job(handle: JobHandle): Job {
    return new Job(this.apiUrl, handle);
  }

  private async create(body: JobRequest, signal?: AbortSignal): Promise<unknown> {
    const { createJob, apiKey } = this.config;
    if (createJob) return createJob(body, signal);
    const credential = typeof apiKey === 'function' ? await apiKey() : apiKey;
    return callService(`${this.apiUrl}/jobs`, {
      method: 'POST',
      body,
      signal,
      ...(credential ? { credential } : {}),
    });
  }
}

/** Files from a dropped folder carry their path, which the results then keep. */
export function pathOf(file: File): string {
  const { path, webkitRelativePath } = file as File & { path?: string };
  const relative = path ?? (webkitRelativePath || file.name);
  return relative.replace(/^\.?\/+/, '') || file.name;
}

function describe(file: File): NewFile {
  const type = CONTENT_TYPE.test(file.type) ? file.type : 'application/octet-stream';
  return { name: pathOf(file), size: file.size, content_type: type };
}
