import { useCallback, useEffect, useRef, useState } from 'react';
import { DarkroomError, isSettled, RefusedError, uploadFiles } from '@darkroom/client';
import type { Connection, Darkroom, Job, JobDocument, Options, Upload } from '@darkroom/client';
import type { Chosen } from './chosen.ts';

export interface Unsent {
  upload: Upload;
  fileId: string;
  error: DarkroomError;
}

export interface JobState {
  phase: 'choosing' | 'creating' | 'sending' | 'working' | 'settled';
  job: Job | null;
  /** What was sent, by file id, so that a photo keeps its place while it is processed. */
  uploads: { fileId: string; chosen: Chosen }[];
  sentIds: ReadonlySet<string>;
  sent: number;
  total: number;
  unsent: Unsent[];
  document: JobDocument | null;
  connection: Connection | null;
  stalled: boolean;
  error: DarkroomError | null;
}

export interface JobEvents {
  onJobCreate?: ((job: Job) => void) | undefined;
  onProgress?: ((document: JobDocument) => void) | undefined;
  onSettled?: ((document: JobDocument) => void) | undefined;
  onError?: ((error: DarkroomError) => void) | undefined;
}

const NOTHING: JobState = {
  phase: 'choosing',
  job: null,
  uploads: [],
  sentIds: new Set(),
  sent: 0,
  total: 0,
  unsent: [],
  document: null,
  connection: null,
  stalled: false,
  error: null,
};

/** A job from its creation to its end. Everything it started is aborted when the component goes. */
export function useJob(darkroom: Darkroom, stalledAfter: number, events: JobEvents) {
  const [state, setState] = useState(NOTHING);
  const running = useRef<AbortController | null>(null);
  const latest = useRef(events);
  latest.current = events;

  useEffect(() => () => running.current?.abort(), []);

  const change = useCallback((changes: Partial<JobState>) => {
    setState((before) => ({ ...before, ...changes }));
  }, []);

  /** Runs `work` in the place of what ran before; an error of the client is shown, not thrown. */
  const run = useCallback(
    async (work: (signal: AbortSignal) => Promise<void>, otherwise: Partial<JobState> = {}) => {
      running.current?.abort();
      const controller = (running.current = new AbortController());
      try {
        await work(controller.signal);
      } catch (cause) {
        if (controller.signal.aborted) return;
        const error = asDarkroomError(cause);
        // A job that could not be created leaves the files chosen.
        setState(({ phase, ...before }) => ({
          ...before,
          phase: phase === 'creating' ? 'choosing' : phase,
          ...otherwise,
          error,
          stalled: false,
        }));
        latest.current.onError?.(error);
      }
    },
    [change],
  );

  const follow = useCallback(
    async (job: Job, signal: AbortSignal, after = 0) => {
      const pace = { stalled: stalledAfter * 1000 };
      for await (const event of job.follow({ signal, pace, after })) {
        if (event.type === 'progress') {
          change({ document: event.document, stalled: false });
          latest.current.onProgress?.(event.document);
        } else if (event.type === 'connection') {
          change({ connection: event.connection });
        } else {
          change({ stalled: true });
        }
      }
      change({ phase: 'settled', stalled: false });
    },
    [change, stalledAfter],
  );

  const send = useCallback(
    async (uploads: { upload: Upload; fileId: string }[], signal: AbortSignal) => {
      const failures = await uploadFiles(
        uploads.map(({ upload }) => upload),
        {
          signal,
          onProgress: ({ sent, total }) => change({ sent, total }),
          onSent: (index) => {
            const id = uploads[index]?.fileId ?? '';
            setState((before) => ({ ...before, sentIds: new Set(before.sentIds).add(id) }));
          },
        },
      );
      signal.throwIfAborted();
      const unsent = failures.map(({ index, error }) => ({ ...uploads[index]!, error }));
      setState((before) => ({
        ...before,
        unsent,
        phase: before.phase === 'sending' ? 'working' : before.phase,
      }));
      if (unsent[0]) latest.current.onError?.(unsent[0].error);
    },
    [change],
  );

  const sendAndFollow = useCallback(
    async (
      job: Job,
      uploads: { upload: Upload; fileId: string }[],
      signal: AbortSignal,
      after = 0,
    ) => {
      // Photos that arrive early are processed while the others are still being sent.
      await Promise.all([send(uploads, signal), follow(job, signal, after)]);
    },
    [send, follow],
  );

  const start = useCallback(
    (chosen: Chosen[], options: Options) =>
      run(async (signal) => {
        setState({ ...NOTHING, phase: 'creating' });
        const made = await darkroom.createJob(
          chosen.map(({ file }) => file),
          options,
          signal,
        );
        const ids = made.fileIds;
        latest.current.onJobCreate?.(made.job);
        change({
          phase: 'sending',
          job: made.job,
          uploads: chosen.map((one, index) => ({ fileId: ids[index]!, chosen: one })),
          total: chosen.reduce((sum, { file }) => sum + file.size, 0),
        });
        const uploads = made.uploads.map((upload, index) => ({ upload, fileId: ids[index]! }));
        await sendAndFollow(made.job, uploads, signal);
      }),
    [change, darkroom, run, sendAndFollow],
  );

  const { job, unsent, document } = state;
  // The newest document once more: it may be the last one.
  const after = (document?.sequence ?? 1) - 1;

  const sendAgain = useCallback(() => {
    if (!job) return;
    change({ phase: 'sending', unsent: [], sent: 0, stalled: false, error: null });
    void run((signal) => sendAndFollow(job, unsent, signal, after));
  }, [after, change, job, run, sendAndFollow, unsent]);

  const followAgain = useCallback(() => {
    if (!job) return;
    change({ phase: 'working', error: null, stalled: false });
    void run((signal) => follow(job, signal, after));
  }, [after, change, follow, job, run]);

  const cancel = useCallback(() => {
    if (!job) return;
    void run(async (signal) => {
      const stopped = await job.cancel(signal);
      change({ document: stopped, unsent: [], phase: 'working', stalled: false });
      if (isSettled(stopped)) change({ phase: 'settled' });
      else await follow(job, signal, stopped.sequence - 1);
    });
  }, [change, follow, job, run]);

  const retry = useCallback(() => {
    if (!job) return;
    void run(
      async (signal) => {
        const again = await job.retry(undefined, signal);
        change({ document: again, phase: 'working', error: null });
        await follow(job, signal, again.sequence - 1);
      },
      { phase: 'settled' },
    );
  }, [change, follow, job, run]);

  const keepWaiting = useCallback(() => change({ stalled: false }), [change]);
  const dismiss = useCallback(() => change({ error: null }), [change]);
  const reset = useCallback(() => {
    running.current?.abort();
    setState(NOTHING);
  }, []);

  return { state, start, sendAgain, followAgain, cancel, retry, keepWaiting, dismiss, reset };
}

/** A function the developer gave (`apiKey`, `createJob`) may throw anything. */
function asDarkroomError(cause: unknown): DarkroomError {
  if (cause instanceof DarkroomError) return cause;
  const message = cause instanceof Error && cause.message ? cause.message : String(cause);
  return new DarkroomError('unexpected', message, { cause });
}

/** The job cannot be reached any more: it was deleted, or its token is not accepted. */
export function isLost(error: DarkroomError | null): boolean {
  return error instanceof RefusedError && [401, 403, 404].includes(error.status);
}
