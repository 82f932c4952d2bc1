const KEPT = 6;  // photos: the one that is shown, and those around it
const photos = (globalThis.segmentationStudioPhotos ??= new Map());

export default function ({ data }) {
  photos.delete(data.id);
  photos.set(data.id, data.picture);
  for (const id of photos.keys()) if (photos.size > KEPT) photos.delete(id);
}
