export { PhotoProcessor, PhotoProcessor as default } from './PhotoProcessor.tsx';
export type { PhotoProcessorProps } from './PhotoProcessor.tsx';
