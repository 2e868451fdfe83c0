import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { CSSProperties, ReactNode } from 'react';
import { useDropzone } from 'react-dropzone';
import { Darkroom, isFinal, MAX_FILES } from '@darkroom/client';
import type { ApiKey, CreateJob, DarkroomError, Job, JobDocument, Options } from '@darkroom/client';
import { ACCEPT, addFiles, leftOut, sendable } from './chosen.ts';
import type { Chosen } from './chosen.ts';
import { configured } from './config.ts';
import { Attention, Bar, Notice, OptionsForm } from './parts.tsx';
import { STYLES } from './styles.ts';
import { Tile } from './Tile.tsx';
import { useFiles } from './useFiles.ts';
import { isLost, useJob } from './useJob.ts';
import { save, silence, tilesOf, useLeaveWarning, useModels, usePresets } from './helpers.ts';
import { action, bar, bytes, count, plural, sentence } from './words.ts';

export interface PhotoProcessorProps {
  /** The service's address. Else `VITE_DARKROOM_API_URL` or `REACT_APP_API_URL`. */
  apiUrl?: string;
  /** In the place of the WebSocket the service names. Else `REACT_APP_WS_URL`. */
  websocketUrl?: string;
  /** The deployment's key, or a function that fetches it. Whoever uses the page can read it. */
  apiKey?: ApiKey;
  /** Creates the job through your own back end, so that the key never reaches the browser. */
  createJob?: CreateJob;
  /** What the options form starts with; options without a control are sent as they are. */
  options?: Options;
  /** The most files at once. The service takes up to 100; each may be a ZIP of thousands. */
  maxFiles?: number;
  /** Larger photos are not sent, in bytes; the deployment's `MaxPhotoBytes`. */
  maxPhotoBytes?: number;
  /** Larger ZIPs are not sent, in bytes; the deployment's `MaxArchiveBytes`. */
  maxZipBytes?: number;
  /** Results shown at first, and more of them with each "Show more". */
  pageSize?: number;
  /** Seconds without progress until the component says so and asks whether to go on waiting. */
  stalledAfter?: number;
  /** `auto` follows the system. */
  theme?: 'auto' | 'light' | 'dark';
  /** Added to the outermost element. */
  className?: string;
  /** Of the outermost element; the place to set `--darkroom-…` variables. */
  style?: CSSProperties;
  /** For the component's style element, under a Content-Security-Policy with nonces. */
  nonce?: string;
  /** The job exists; keep its id and token to come back to it. */
  onJobCreate?: (job: Job) => void;
  /** A newer progress document has arrived. */
  onProgress?: (document: JobDocument) => void;
  /** Nothing more will happen to the job by itself. Some of its photos may have failed. */
  onSettled?: (document: JobDocument) => void;
  /** Something could not be done; it is shown as well. */
  onError?: (error: DarkroomError) => void;
}

/** Takes photos and ZIPs, has Darkroom process them, shows progress and results. */
export function PhotoProcessor(props: PhotoProcessorProps) {
  const {
    apiKey,
    createJob,
    options: firstOptions,
    maxFiles = MAX_FILES,
    maxPhotoBytes = 50_000_000,
    maxZipBytes = 10_000_000_000,
    pageSize = 60,
    stalledAfter = 120,
    theme = 'auto',
    className = '',
    style,
    nonce,
    onSettled,
  } = props;
  const { apiUrl, websocketUrl } = configured(props);
  const limits = useMemo(
    () => ({ maxFiles, maxPhotoBytes, maxZipBytes }),
    [maxFiles, maxPhotoBytes, maxZipBytes],
  );

  // Functions given in-line change with every render; the client always calls the latest ones.
  const given = useRef({ apiKey, createJob });
  given.current = { apiKey, createJob };
  const ownBackEnd = Boolean(createJob);
  const darkroom = useMemo(() => {
    const key = () => {
      const { apiKey: latest } = given.current;
      return typeof latest === 'function' ? latest() : (latest ?? '');
    };
    const create: CreateJob = (request, signal) => given.current.createJob!(request, signal);
    const config = { apiUrl, websocketUrl, apiKey: key };
    return new Darkroom(ownBackEnd ? { ...config, createJob: create } : config);
  }, [apiUrl, websocketUrl, ownBackEnd]);

  const models = useModels(darkroom, apiUrl);
  const presets = usePresets(darkroom, apiUrl);
  const [options, setOptions] = useState<Options>({ ...firstOptions });
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [remark, setRemark] = useState('');
  const [shown, setShown] = useState(pageSize);
  const work = useJob(darkroom, stalledAfter, props);
  const { state } = work;
  const { phase, job, document, error } = state;
  const settled = phase === 'settled';
  const choosing = phase === 'choosing';
  const found = useFiles(job, document, settled, shown);

  const settledCallback = useRef(onSettled);
  settledCallback.current = onSettled;
  useEffect(() => {
    if (settled && document) settledCallback.current?.(document);
    // Once for each time the job settles, not for each document.
  }, [settled]);

  useLeaveWarning(phase === 'creating' || phase === 'sending');

  const onDrop = useCallback(
    (files: File[]) => {
      setChosen((before) => {
        const { list, left } = addFiles(before, files, limits);
        setRemark(left ? leftOut(left, limits) : '');
        return list;
      });
    },
    [limits],
  );
  const { getRootProps, getInputProps, isDragActive, open } = useDropzone({
    onDrop,
    noClick: true,
    noKeyboard: true,
    disabled: !choosing,
    useFsAccessApi: false,
  });

  const toSend = sendable(chosen);
  const zips = toSend.filter(({ zip }) => zip).length;
  const start = () => {
    setShown(pageSize);
    setRemark('');
    const model = options.model ?? models?.default;
    void work.start(toSend, model ? { ...options, model } : options);
  };
  const startOver = () => {
    work.reset();
    setChosen([]);
    setRemark('');
  };
  const guarded = async (what: () => Promise<void>) => {
    try {
      await what();
      setRemark('');
    } catch (problem) {
      setRemark(problem instanceof Error ? problem.message : String(problem));
    }
  };
  // URLs of results hold for an hour, so every download asks for a fresh one.
  const downloadFile = (fileId: string) =>
    guarded(async () => save((await job!.file(fileId)).result?.url));
  const downloadZip = () => guarded(async () => save(await job!.archiveUrl()));

  const tiles = choosing ? [] : tilesOf(state.uploads, state.sentIds, found.files, settled);
  const ready = tiles.filter(({ state: now }) => now === 'ready');
  const firstReady = ready[0];
  const visible = tiles.slice(0, shown);
  const results = document?.summary.succeeded ?? 0;
  const hidden = Math.max(tiles.length - visible.length, settled ? results - visible.length : 0);
  const moment = {
    ...state,
    phase: choosing ? ('creating' as const) : phase,
    files: state.uploads.length,
  };
  const words = bar(moment);

  return (
    <div
      {...getRootProps({
        className:
          `darkroom darkroom-theme-${theme} ${isDragActive ? 'darkroom-is-over' : ''} ${className}`.trim(),
        ...(style ? { style } : {}),
      })}
    >
      <style nonce={nonce} dangerouslySetInnerHTML={{ __html: STYLES }} />
      <input {...getInputProps({ accept: ACCEPT, 'aria-label': 'Photos and ZIPs to process' })} />
      {isDragActive && <p className="darkroom-drop">Let go to add them</p>}

      {!apiUrl && (
        <Notice kind="bad">
          No service is configured. Set the <code>apiUrl</code> prop or{' '}
          <code>VITE_DARKROOM_API_URL</code>.
        </Notice>
      )}
      {error && (
        <Notice
          kind="bad"
          actions={
            choosing ? (
              <Button onClick={work.dismiss}>Close</Button>
            ) : isLost(error) || !job ? (
              <Button onClick={startOver}>Start over</Button>
            ) : settled ? (
              <Button onClick={work.dismiss}>Close</Button>
            ) : (
              <Button onClick={work.followAgain}>Try again</Button>
            )
          }
        >
          {sentence(error)}
        </Notice>
      )}
      {state.unsent.length > 0 && (
        <Notice
          kind="bad"
          actions={
            state.unsent.some(({ error: { code } }) => code === 'upload_expired') ? (
              <Button onClick={work.reset}>Start again</Button>
            ) : (
              <>
                <Button onClick={work.sendAgain}>Send again</Button>
                <Button onClick={work.cancel}>Stop</Button>
              </>
            )
          }
        >
          <p>{plural(state.unsent.length, 'file')} could not be sent.</p>
          <ul className="darkroom-reasons">
            {state.unsent.slice(0, 5).map(({ fileId, error: why }) => (
              <li key={fileId}>{why.message}</li>
            ))}
          </ul>
        </Notice>
      )}
      {state.stalled && (
        <Notice
          kind="look"
          actions={
            <>
              <Button onClick={work.keepWaiting}>Keep waiting</Button>
              <Button onClick={work.cancel}>Stop</Button>
            </>
          }
        >
          {silence(stalledAfter)} Still trying.
        </Notice>
      )}
      {remark && (
        <Notice kind="look" actions={<Button onClick={() => setRemark('')}>Close</Button>}>
          {remark}
        </Notice>
      )}

      {choosing && !chosen.length && (
        <div className="darkroom-empty">
          <h2>Drop photos here. Get them back without the background.</h2>
          <p>One portrait or a whole catalogue in a ZIP. Every result keeps its file name.</p>
          <Button main onClick={open}>
            Choose photos
          </Button>
          <p className="darkroom-detail">
            Up to {plural(maxFiles, 'file')}: photos to {bytes(maxPhotoBytes)}, ZIPs to{' '}
            {bytes(maxZipBytes)}.
          </p>
        </div>
      )}

      {choosing && chosen.length > 0 && (
        <>
          <div className="darkroom-row">
            <h2>
              {plural(chosen.length, 'file')}{' '}
              <span className="darkroom-soft">
                {bytes(chosen.reduce((sum, { file }) => sum + file.size, 0))}
              </span>
            </h2>
            <Button bare onClick={open}>
              Add
            </Button>
            <Button bare onClick={() => setChosen([])}>
              Remove all
            </Button>
          </div>
          <div className="darkroom-split">
            <ul className="darkroom-grid" aria-label="Chosen files">
              {chosen.map(({ id, file, name, skip }) => (
                <Tile
                  key={id}
                  name={name}
                  size={file.size}
                  local={file}
                  state={skip ? 'skipped' : 'chosen'}
                  reason={skip}
                  onRemove={() => setChosen((before) => before.filter((one) => one.id !== id))}
                />
              ))}
            </ul>
            <OptionsForm
              options={options}
              models={models}
              presets={presets}
              onChange={setOptions}
            />
          </div>
          <div className="darkroom-bar darkroom-is-choosing">
            <div className="darkroom-says">
              <p className="darkroom-title">{plural(toSend.length, 'file')} to send</p>
              {toSend.length < chosen.length && (
                <p className="darkroom-detail darkroom-look">
                  {count(chosen.length - toSend.length)} will be skipped
                </p>
              )}
            </div>
            <div className="darkroom-actions">
              <Button main disabled={!toSend.length || !apiUrl} onClick={start}>
                {action(options, toSend.length, zips)}
              </Button>
            </div>
          </div>
        </>
      )}

      {!choosing && (
        <>
          {settled && document && (
            <Attention
              failed={found.failed}
              skipped={found.skipped}
              failedCount={document.summary.failed}
              skippedCount={document.summary.skipped}
              onRetry={work.retry}
            />
          )}
          <ul className="darkroom-grid" aria-label={settled ? 'Results' : 'Photos'}>
            {visible.map(({ fileId, ...tile }) => (
              <Tile
                key={fileId}
                {...tile}
                onExpired={async () => (await job?.file(fileId))?.result?.url}
                onDownload={tile.state === 'ready' ? () => void downloadFile(fileId) : undefined}
              />
            ))}
          </ul>
          {hidden > 0 && (
            <Button onClick={() => setShown(shown + pageSize)}>
              Show {count(Math.min(pageSize, hidden))} more of {count(hidden)}
            </Button>
          )}
          <Bar
            words={words}
            processed={settled ? 100 : (document?.progress.percentage ?? null)}
            sent={
              phase === 'sending'
                ? (100 * state.sent) / Math.max(1, state.total)
                : phase === 'creating'
                  ? 0
                  : 100
            }
            done={settled}
          >
            {!settled && job && !(document && isFinal(document.status)) && (
              <Button onClick={work.cancel}>Cancel</Button>
            )}
            {settled && (
              <Button bare onClick={startOver}>
                New photos
              </Button>
            )}
            {firstReady && (
              <Button
                main={settled && results === 1}
                onClick={() => void downloadFile(firstReady.fileId)}
              >
                {results === 1 ? 'Download photo' : 'Download first'}
              </Button>
            )}
            {document?.archive.status === 'ready' && (
              <Button main={results > 1} onClick={() => void downloadZip()}>
                Download ZIP{document.archive.bytes ? `, ${bytes(document.archive.bytes)}` : ''}
              </Button>
            )}
          </Bar>
        </>
      )}
    </div>
  );
}

interface ButtonProps {
  main?: boolean;
  bare?: boolean;
  disabled?: boolean;
  onClick: () => void;
  children: ReactNode;
}

function Button({ main, bare, disabled, onClick, children }: ButtonProps) {
  const kind = main
    ? 'darkroom-button darkroom-main'
    : bare
      ? 'darkroom-button darkroom-bare'
      : 'darkroom-button';
  return (
    <button type="button" className={kind} disabled={disabled} onClick={onClick}>
      {children}
    </button>
  );
}
