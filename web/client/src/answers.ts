import { MalformedError } from './errors.ts';
import type { CreatedJob, FileDocument, FilePage, JobDocument, Models, Preset } from './model.ts';

/**
 * Checks of what the service answers, as far as this client relies on it. A wrong address, a proxy
 * or a developer's own back end may answer with anything.
 */
type Shape = Record<string, unknown>;

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJobDocument(value: unknown): value is JobDocument {
  return (
    isShape(value) &&
    typeof value.job_id === 'string' &&
    typeof value.status === 'string' &&
    typeof value.sequence === 'number' &&
    isShape(value.progress) &&
    isShape(value.summary) &&
    isShape(value.archive)
  );
}

function isFile(value: unknown): value is FileDocument {
  return isShape(value) && typeof value.file_id === 'string' && typeof value.status === 'string';
}

function isFilePage(value: unknown): value is FilePage {
  return isShape(value) && Array.isArray(value.files) && value.files.every(isFile);
}

function isModels(value: unknown): value is Models {
  return isShape(value) && Array.isArray(value.models) && typeof value.default === 'string';
}

function isPresets(value: unknown): value is { presets: Preset[] } {
  return (
    isShape(value) &&
    Array.isArray(value.presets) &&
    value.presets.every((preset) => isShape(preset) && typeof preset.name === 'string')
  );
}

function isCreatedJob(value: unknown): value is CreatedJob {
  return (
    isShape(value) &&
    typeof value.job_id === 'string' &&
    typeof value.token === 'string' &&
    Array.isArray(value.files) &&
    value.files.every(
      (file) => isShape(file) && isShape(file.upload) && typeof file.upload.url === 'string',
    )
  );
}

function checked<T>(is: (value: unknown) => value is T) {
  return (value: unknown, where: string): T => {
    if (!is(value)) throw new MalformedError(where);
    return value;
  };
}

export const asJobDocument = checked(isJobDocument);
export const asFile = checked(isFile);
export const asFilePage = checked(isFilePage);
export const asModels = checked(isModels);
export const asPresets = checked(isPresets);
export const asCreatedJob = checked(isCreatedJob);
