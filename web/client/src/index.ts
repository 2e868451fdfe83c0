export { Darkroom, MAX_FILES, pathOf } from './darkroom.ts';
export type { ApiKey, CreateJob, DarkroomConfig, NewJob } from './darkroom.ts';
export {
  DarkroomError,
  MalformedError,
  RefusedError,
  UnreachableError,
  UploadError,
} from './errors.ts';
export type { FieldProblem } from './errors.ts';
export { followJob, PACE } from './follow.ts';
export type { Connection, FollowEvent, Followed, FollowOptions, Pace } from './follow.ts';
export { Job } from './job.ts';
export type { FileQuery, JobHandle } from './job.ts';
export { isFinal, isSettled } from './model.ts';
export type * from './model.ts';
export { uploadFiles } from './upload.ts';
export type { Upload, UploadFailure, UploadOptions, UploadProgress } from './upload.ts';
