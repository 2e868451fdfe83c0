import { useEffect, useState } from 'react';
import type { FileDocument } from '@darkroom/client';
import { kindOf } from './chosen.ts';
import { bytes } from './words.ts';

/** A local photo's preview; its type where the browser cannot show it. */
export function Preview({ file, name }: { file: File; name: string }) {
  const [url, setUrl] = useState('');
  const [broken, setBroken] = useState(false);

  useEffect(() => {
    if (!file.type.startsWith('image/')) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    setBroken(false);
    return () => {
      setUrl('');
      URL.revokeObjectURL(made);
    };
  }, [file]);

  if (!url || broken) return <span className="darkroom-kind">{kindOf(name)}</span>;
  return <img src={url} alt="" decoding="async" onError={() => setBroken(true)} />;
}

export interface TileProps {
  name: string;
  size?: number | undefined;
  local?: File | undefined;
  state: 'chosen' | 'skipped' | 'waiting' | 'sent' | 'ready' | 'failed';
  /** Under the name: why it is skipped or failed. */
  reason?: string | undefined;
  result?: FileDocument['result'] | undefined;
  onRemove?: (() => void) | undefined;
  onDownload?: (() => void) | undefined;
  /** A new URL of the result: they hold for an hour. */
  onExpired?: (() => Promise<string | undefined>) | undefined;
}

/** A photo keeps its tile from choosing to done; only what is in it changes. */
export function Tile(props: TileProps) {
  const { name, size, local, state, reason, result, onRemove, onDownload, onExpired } = props;
  return (
    <li className={`darkroom-tile darkroom-is-${state}`}>
      <div className="darkroom-picture">
        {result ? (
          <Result key={result.url} name={name} result={result} onExpired={onExpired} />
        ) : local ? (
          <Preview file={local} name={name} />
        ) : (
          <span className="darkroom-kind">{kindOf(name)}</span>
        )}
        {onRemove && (
          <button
            type="button"
            className="darkroom-remove"
            aria-label={`Remove ${name}`}
            onClick={onRemove}
          >
            <Cross />
          </button>
        )}
      </div>
      <p className="darkroom-name" title={name}>
        {name.split('/').pop()}
      </p>
      {reason ? (
        <p className="darkroom-reason">{reason}</p>
      ) : result ? (
        <p className="darkroom-size">
          {result.width} × {result.height}, {bytes(result.bytes)}
        </p>
      ) : (
        size !== undefined && <p className="darkroom-size">{bytes(size)}</p>
      )}
      {onDownload && (
        <button
          type="button"
          className="darkroom-link"
          aria-label={`Download ${name}`}
          onClick={onDownload}
        >
          Download
        </button>
      )}
    </li>
  );
}

interface ResultProps {
  name: string;
  result: NonNullable<FileDocument['result']>;
  onExpired: TileProps['onExpired'];
}

function Result({ name, result, onExpired }: ResultProps) {
  const [url, setUrl] = useState(result.url);
  const [broken, setBroken] = useState(false);
  const renew = async () => {
    const fresh = url === result.url ? await onExpired?.().catch(() => undefined) : undefined;
    if (fresh) setUrl(fresh);
    else setBroken(true);
  };
  if (broken)
    return <span className="darkroom-kind">{kindOf(result.content_type.replace('/', '.'))}</span>;
  return (
    <img
      className="darkroom-result"
      src={url}
      alt={`Result of ${name}`}
      loading="lazy"
      decoding="async"
      onError={() => void renew()}
    />
  );
}

function Cross() {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d="M4 4l8 8M12 4l-8 8" />
    </svg>
  );
}
