import { useEffect, useRef, useState } from 'react';
import type { FileDocument, FileStatus, Job, JobDocument } from '@darkroom/client';

export interface JobFiles {
  /** By file id, in the job's order, as far as they have been read. */
  files: ReadonlyMap<string, FileDocument>;
  failed: FileDocument[];
  skipped: FileDocument[];
}

const NONE: JobFiles = { files: new Map(), failed: [], skipped: [] };
const BETWEEN_READS = 1_000;
/** Failed and skipped files that are listed by name; the ZIP's manifest has them all. */
const LISTED = 100;
const MOST_PAGES = 50;

/**
 * Reads the files that are on show: pages from the first one that may still change, until `wanted`
 * results are known. A job of thousands is read as far as somebody looks, not further.
 */
export function useFiles(
  job: Job | null,
  document: JobDocument | null,
  settled: boolean,
  wanted: number,
): JobFiles {
  const [found, setFound] = useState(NONE);
  const reader = useRef<Reader | null>(null);

  useEffect(() => {
    setFound(NONE);
    if (!job) return undefined;
    const controller = new AbortController();
    reader.current = new Reader(job, controller.signal, setFound);
    return () => {
      controller.abort();
      reader.current = null;
    };
  }, [job]);

  const sequence = document?.sequence ?? 0;
  useEffect(() => {
    if (sequence || settled) void reader.current?.read(wanted, settled);
  }, [job, sequence, settled, wanted]);

  return found;
}

class Reader {
  private readonly job: Job;
  private readonly signal: AbortSignal;
  private readonly show: (found: JobFiles) => void;
  private files = new Map<string, FileDocument>();
  private busy = false;
  private next: { wanted: number; settled: boolean } | undefined;

  constructor(job: Job, signal: AbortSignal, show: (found: JobFiles) => void) {
    this.job = job;
    this.signal = signal;
    this.show = show;
  }

  /** One read at a time; a request that comes meanwhile makes one more, afterwards. */
  async read(wanted: number, settled: boolean): Promise<void> {
    this.next = { wanted, settled };
    if (this.busy) return;
    this.busy = true;
    let failures = 0;
    while (this.next && failures < 5 && !this.signal.aborted) {
      const now: { wanted: number; settled: boolean } = this.next;
      this.next = undefined;
      try {
        await this.once(now.wanted, now.settled);
        failures = 0;
      } catch {
        failures += 1;
        this.next ??= now; // The next read tells the same, and more.
      }
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_READS));
    }
    this.busy = false;
  }

  private async once(wanted: number, settled: boolean): Promise<void> {
    const files = new Map(this.files);
    let cursor: string | null = null;
    let results = 0;
    // While the job runs, what lies beyond the tiles on show can wait.
    const pages = settled ? MOST_PAGES : Math.ceil(wanted / 100);
    for (let page = 0; page < pages; page++) {
      const read = await this.job.files({ limit: 100, cursor, signal: this.signal });
      for (const file of read.files) {
        // A result on show keeps its URL, so that its picture is not fetched again.
        const known = files.get(file.file_id);
        const same = known?.result && known.result.bytes === file.result?.bytes;
        if (!same) files.set(file.file_id, file);
        if (file.status === 'succeeded') results += 1;
      }
      cursor = read.cursor;
      if (!cursor || results >= wanted) break;
    }
    this.files = files;
    const failed = settled ? await this.all('failed') : [];
    const skipped = settled ? await this.all('skipped') : [];
    if (!this.signal.aborted) this.show({ files, failed, skipped });
  }

  private async all(status: FileStatus): Promise<FileDocument[]> {
    const files: FileDocument[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < MOST_PAGES && files.length < LISTED; page++) {
      const read = await this.job.files({ status, limit: 100, cursor, signal: this.signal });
      files.push(...read.files);
      cursor = read.cursor;
      if (!cursor) break;
    }
    return files;
  }
}
