import { asFile, asFilePage, asJobDocument } from './answers.ts';
import { MalformedError } from './errors.ts';
import { followJob } from './follow.ts';
import type { FollowEvent, FollowOptions } from './follow.ts';
import { callService } from './http.ts';
import type { Call } from './http.ts';
import type { FileDocument, FilePage, FileStatus, JobDocument, Options } from './model.ts';

/** Enough to come back to a job: from `POST /jobs`, or from where the caller has kept it. */
export interface JobHandle {
  jobId: string;
  token: string;
  /** Empty to poll only. */
  websocketUrl: string;
}

export interface FileQuery {
  status?: FileStatus;
  /** 1 to 100. */
  limit?: number;
  cursor?: string | null;
  signal?: AbortSignal | undefined;
}

/** A job that exists. Every call uses the job's own token, never the deployment's key. */
export class Job implements JobHandle {
  readonly jobId: string;
  readonly token: string;
  readonly websocketUrl: string;
  private readonly url: string;

  constructor(apiUrl: string, handle: JobHandle) {
    this.jobId = handle.jobId;
    this.token = handle.token;
    this.websocketUrl = handle.websocketUrl;
    this.url = `${apiUrl}/jobs/${encodeURIComponent(handle.jobId)}`;
  }

  async progress(signal?: AbortSignal): Promise<JobDocument> {
    return asJobDocument(await this.call('', { signal }), this.url);
  }

  /** Each newer document until the job is settled; see `followJob`. */
  follow(options: FollowOptions = {}): AsyncGenerator<FollowEvent, void, undefined> {
    // The follower paces itself, so a poll that fails is not repeated underneath it.
    const progress = async (signal?: AbortSignal) =>
      asJobDocument(await this.call('', { signal, tries: 1 }), this.url);
    const { jobId, token, websocketUrl } = this;
    return followJob({ jobId, token, websocketUrl, progress }, options);
  }

  /** One page, with fresh result URLs. */
  async files(query: FileQuery = {}): Promise<FilePage> {
    const { status, limit, cursor, signal } = query;
    const parameters = new URLSearchParams();
    if (status) parameters.set('status', status);
    if (limit) parameters.set('limit', String(limit));
    if (cursor) parameters.set('cursor', cursor);
    const text = parameters.toString();
    return asFilePage(await this.call(`/files${text && `?${text}`}`, { signal }), this.url);
  }

  /** Every file, page by page. */
  async *everyFile(query: Omit<FileQuery, 'cursor'> = {}): AsyncGenerator<FileDocument> {
    let cursor: string | null = null;
    do {
      const page: FilePage = await this.files({ ...query, cursor });
      yield* page.files;
      cursor = page.cursor;
    } while (cursor);
  }

  /** One file, with a fresh result URL. */
  async file(fileId: string, signal?: AbortSignal): Promise<FileDocument> {
    return asFile(await this.call(filePath(fileId), { signal }), this.url);
  }

  /** The result as base64. Throws RefusedError `result_too_large` over about 4 MB. */
  async dataUrl(fileId: string, signal?: AbortSignal): Promise<string> {
    const answer = await this.call(`${filePath(fileId)}?as=data-url`, { signal });
    const url = (answer as { data_url?: unknown } | undefined)?.data_url;
    if (typeof url !== 'string') throw new MalformedError(this.url);
    return url;
  }

  /** Where the ZIP can be fetched for an hour; undefined while there is none. */
  async archiveUrl(signal?: AbortSignal): Promise<string | undefined> {
    return (await this.progress(signal)).links?.download;
  }

  /** Files not yet started are skipped; files being processed finish; results are kept. */
  async cancel(signal?: AbortSignal): Promise<JobDocument> {
    return asJobDocument(await this.call('/cancel', { method: 'POST', signal }), this.url);
  }

  /** Processes the failed and cancelled files again; `options` replace the job's where given. */
  async retry(options?: Options, signal?: AbortSignal): Promise<JobDocument> {
    const body = options ? { options } : {};
    return asJobDocument(await this.call('/retry', { method: 'POST', body, signal }), this.url);
  }

  /** Deletes the job, its photos and its results. */
  async delete(signal?: AbortSignal): Promise<void> {
    await this.call('', { method: 'DELETE', signal });
  }

  private call(path: string, call: Call): Promise<unknown> {
    return callService(this.url + path, { ...call, credential: this.token });
  }
}

function filePath(fileId: string): string {
  return `/files/${encodeURIComponent(fileId)}`;
}
