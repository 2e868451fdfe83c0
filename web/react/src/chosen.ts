import { pathOf } from '@darkroom/client';
import { bytes, count } from './words.ts';

/** A file on the list. `skip` says why it will not be sent; empty where it will be. */
export interface Chosen {
  id: string;
  file: File;
  name: string;
  zip: boolean;
  skip: string;
}

export interface Limits {
  maxFiles: number;
  maxPhotoBytes: number;
  maxZipBytes: number;
}

const PHOTO = /\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf]s?|jp2|ico|ppm|pgm|tga)$/i;
const ZIP = /\.zip$/i;
const ZIP_TYPES = ['application/zip', 'application/x-zip-compressed'];

/** For the file dialog. Extensions too: not every system knows the type of HEIC. */
export const ACCEPT = 'image/*,.heic,.heif,.avif,.zip,application/zip';

/** The list with `files` added. The same file twice is one; `left` is how many found no room. */
export function addFiles(list: readonly Chosen[], files: readonly File[], limits: Limits) {
  const known = new Set(list.map(({ id }) => id));
  const added: Chosen[] = [];
  for (const file of files) {
    const chosen = describeFile(file, limits);
    if (known.has(chosen.id)) continue;
    known.add(chosen.id);
    added.push(chosen);
  }
  const room = Math.max(0, limits.maxFiles - list.length);
  return { list: [...list, ...added.slice(0, room)], left: Math.max(0, added.length - room) };
}

export function sendable(list: readonly Chosen[]): Chosen[] {
  return list.filter(({ skip }) => !skip);
}

/** "Only the first 100 were added." */
export function leftOut(left: number, limits: Limits): string {
  const rest = left === 1 ? 'One file was' : `${count(left)} files were`;
  return `A job takes ${count(limits.maxFiles)} files. ${rest} left out; put many photos into one ZIP.`;
}

function describeFile(file: File, limits: Limits): Chosen {
  const name = pathOf(file);
  const zip = ZIP.test(file.name) || ZIP_TYPES.includes(file.type);
  return {
    id: [name, file.size, file.lastModified].join('/'),
    file,
    name,
    zip,
    skip: reasonToSkip(file, zip, limits),
  };
}

function reasonToSkip(file: File, zip: boolean, limits: Limits): string {
  if (!file.size) return 'Empty: will be skipped';
  const limit = zip ? limits.maxZipBytes : limits.maxPhotoBytes;
  if (file.size > limit)
    return `${bytes(file.size)}, the limit is ${bytes(limit)}: will be skipped`;
  if (zip || file.type.startsWith('image/') || PHOTO.test(file.name)) return '';
  if (file.type.startsWith('video/')) return 'A video: will be skipped';
  return 'Not a photo or a ZIP: will be skipped';
}

/** "HEIC": what a tile shows where the browser has no preview. */
export function kindOf(name: string): string {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1];
  return extension ? extension.toUpperCase() : 'FILE';
}
