import { useEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { FileDocument, Models, Options, Preset } from '@darkroom/client';
import { BackgroundField, PresetField } from './LookFields.tsx';
import { count, plural } from './words.ts';
import type { BarWords } from './words.ts';

interface OptionsFormProps {
  options: Options;
  models: Models | null;
  presets: Preset[];
  onChange: (options: Options) => void;
}

export function OptionsForm({ options, models, presets, onChange }: OptionsFormProps) {
  const preset = Boolean(options.preset);
  const removes = preset || options.remove_bg !== false;
  return (
    <fieldset className="darkroom-options">
      <legend className="darkroom-unseen">Options</legend>
      <PresetField options={options} presets={presets} onChange={onChange} />
      <label className="darkroom-check">
        <input
          type="checkbox"
          checked={removes}
          disabled={preset}
          onChange={(event) => onChange({ ...options, remove_bg: event.target.checked })}
        />
        Remove the background
      </label>
      <label className="darkroom-check">
        <input
          type="checkbox"
          checked={options.crop_face === true}
          disabled={preset}
          onChange={(event) => onChange({ ...options, crop_face: event.target.checked })}
        />
        Crop to the face
      </label>
      <label className="darkroom-field">
        <span>Model</span>
        <select
          value={options.model ?? models?.default ?? ''}
          disabled={!removes || !models}
          onChange={(event) => onChange({ ...options, model: event.target.value })}
        >
          {models ? (
            models.models.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))
          ) : (
            <option value="">Default</option>
          )}
        </select>
      </label>
      <BackgroundField options={options} onChange={onChange} />
    </fieldset>
  );
}

interface BarProps {
  words: BarWords;
  /** Percent that has been processed, and that has been sent; null while it is unknown. */
  processed: number | null;
  sent: number;
  done: boolean;
  children: ReactNode;
}

/** Two layers: what has been sent, and over it, in the accent, what has been processed. */
export function Bar({ words, processed, sent, done, children }: BarProps) {
  const percent = processed === null ? 0 : Math.floor(processed);
  return (
    <div className={`darkroom-bar ${done ? 'darkroom-is-done' : ''}`}>
      <div
        className="darkroom-track"
        role="progressbar"
        aria-label="Progress"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={`${words.title}, ${percent} %`}
      >
        <div className="darkroom-sent" style={{ width: `${sent}%` }} />
        <div className="darkroom-processed" style={{ width: `${processed ?? 0}%` }} />
      </div>
      <div className="darkroom-says">
        <p className="darkroom-title">
          {words.title}
          {!done && <span className="darkroom-percent"> · {percent} %</span>}
          {words.failed && (
            <span className={done ? 'darkroom-look' : 'darkroom-bad'}> · {words.failed}</span>
          )}
        </p>
        {words.detail && <p className="darkroom-detail">{words.detail}</p>}
      </div>
      <div className="darkroom-actions">{children}</div>
      <Spoken text={words.spoken} now={done} />
    </div>
  );
}

const SPEAK_EVERY = 5_000;

/** For screen readers, spaced out: a bar that moves each second would talk all the time. */
function Spoken({ text, now }: { text: string; now: boolean }) {
  const [said, setSaid] = useState('');
  const saidAt = useRef(0);
  useEffect(() => {
    const wait = now ? 0 : Math.max(0, saidAt.current + SPEAK_EVERY - Date.now());
    const timer = setTimeout(() => {
      saidAt.current = Date.now();
      setSaid(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, now]);
  return (
    <p className="darkroom-unseen" role="status" aria-live="polite">
      {said}
    </p>
  );
}

interface NoticeProps {
  kind: 'bad' | 'look' | 'plain';
  children: ReactNode;
  actions?: ReactNode;
}

export function Notice({ kind, children, actions }: NoticeProps) {
  return (
    <div className={`darkroom-notice darkroom-is-${kind}`} role="alert">
      <div className="darkroom-text">{children}</div>
      {actions && <div className="darkroom-actions">{actions}</div>}
    </div>
  );
}

interface AttentionProps {
  failed: FileDocument[];
  skipped: FileDocument[];
  /** As the service counts them; the lists may be shorter. */
  failedCount: number;
  skippedCount: number;
  onRetry: () => void;
}

/** What did not become a result, and why. */
export function Attention(props: AttentionProps) {
  const { failed, skipped, failedCount, skippedCount, onRetry } = props;
  if (!failedCount && !skippedCount) return null;
  return (
    <section className="darkroom-attention" aria-label="Not processed">
      {failedCount > 0 && (
        <>
          <div className="darkroom-row">
            <h3 className="darkroom-bad">{count(failedCount)} failed</h3>
            <button type="button" className="darkroom-button" onClick={onRetry}>
              {failedCount === 1 ? 'Retry it' : `Retry the ${count(failedCount)} that failed`}
            </button>
          </div>
          <Reasons files={failed} all={failedCount} otherwise="Could not be processed." />
        </>
      )}
      {skippedCount > 0 && (
        <>
          <h3>{plural(skippedCount, 'file')} skipped</h3>
          <Reasons files={skipped} all={skippedCount} otherwise="Not a photo." />
        </>
      )}
    </section>
  );
}

function Reasons({
  files,
  all,
  otherwise,
}: {
  files: FileDocument[];
  all: number;
  otherwise: string;
}) {
  return (
    <ul className="darkroom-reasons">
      {files.map((file) => (
        <li key={file.file_id}>
          <span className="darkroom-name">{file.name}</span>
          <span className="darkroom-why">{file.error?.message ?? otherwise}</span>
        </li>
      ))}
      {files.length > 0 && all > files.length && (
        <li>And {count(all - files.length)} more. The manifest in the ZIP names them all.</li>
      )}
    </ul>
  );
}
