import { useEffect, useState } from 'react';
import type { Darkroom, FileDocument, Models, Preset } from '@darkroom/client';
import type { Chosen } from './chosen.ts';
import type { TileProps } from './Tile.tsx';

/** The deployment's models; null until they are known, and where they cannot be listed. */
export function useModels(darkroom: Darkroom, apiUrl: string): Models | null {
  const [models, setModels] = useState<Models | null>(null);
  useEffect(() => {
    if (!apiUrl) return undefined;
    const controller = new AbortController();
    // Without the list the deployment's default is used; whatever is wrong shows when a job starts.
    darkroom.models(controller.signal).then(setModels, () => undefined);
    return () => controller.abort();
  }, [darkroom, apiUrl]);
  return models;
}

/** The deployment's presets; none until they are known, and of a service that has none. */
export function usePresets(darkroom: Darkroom, apiUrl: string): Preset[] {
  const [presets, setPresets] = useState<Preset[]>([]);
  useEffect(() => {
    if (!apiUrl) return undefined;
    const controller = new AbortController();
    darkroom.presets(controller.signal).then(setPresets, () => undefined);
    return () => controller.abort();
  }, [darkroom, apiUrl]);
  return presets;
}

/** The browser asks before the page is left while files are being sent. */
export function useLeaveWarning(active: boolean): void {
  useEffect(() => {
    if (!active) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [active]);
}

export type TileData = Pick<
  TileProps,
  'name' | 'size' | 'local' | 'state' | 'reason' | 'result'
> & {
  fileId: string;
};

/** What is on show of a job: the uploads in their own places, then the photos found in ZIPs. */
export function tilesOf(
  uploads: readonly { fileId: string; chosen: Chosen }[],
  sent: ReadonlySet<string>,
  files: ReadonlyMap<string, FileDocument>,
  settled: boolean,
): TileData[] {
  const own = new Set(uploads.map(({ fileId }) => fileId));
  const tiles = uploads.map(({ fileId, chosen }): TileData & { expanded: boolean } => {
    const file = files.get(fileId);
    const state = stateOf(file) ?? (sent.has(fileId) ? 'sent' : 'waiting');
    const { name, file: local } = chosen;
    const expanded = file?.status === 'expanded';
    return { fileId, name, local, size: local.size, state, expanded, ...detailsOf(file) };
  });
  const fromZips = [...files.values()]
    .filter(({ file_id: id }) => !own.has(id))
    .map((file) => ({
      fileId: file.file_id,
      name: file.name,
      state: stateOf(file) ?? ('sent' as const),
      expanded: false,
      ...detailsOf(file),
    }));
  // A settled job lists what failed apart, with the reasons; the grid is for results.
  return [...tiles, ...fromZips]
    .filter(({ expanded, state }) => !expanded && (!settled || state === 'ready'))
    .map(({ expanded: _, ...tile }) => tile);
}

function stateOf(file: FileDocument | undefined): TileProps['state'] | undefined {
  if (file?.status === 'succeeded') return 'ready';
  if (file?.status === 'failed') return 'failed';
  return file?.status === 'skipped' || file?.status === 'cancelled' ? 'skipped' : undefined;
}

function detailsOf(file: FileDocument | undefined): Pick<TileData, 'reason' | 'result'> {
  return { reason: file?.error?.message, result: file?.result ?? undefined };
}

/** Lets the browser save what is at `url`; the server names the file. */
export function save(url: string | undefined): void {
  if (!url || !/^https?:/i.test(url))
    throw new Error('There is nothing to download yet. Try again in a moment.');
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.rel = 'noopener';
  document.body.append(link);
  link.click();
  link.remove();
}

/** "Nothing heard for two minutes." */
export function silence(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes === 2) return 'Nothing heard for two minutes.';
  return minutes > 1
    ? `Nothing heard for ${minutes} minutes.`
    : `Nothing heard for ${seconds} seconds.`;
}
