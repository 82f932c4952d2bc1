// A cookie, so that the server knows before it draws the first page. 400 days is what browsers keep at most.
export default function ({ data }) {
  document.cookie = `${data.name}=1; path=/; max-age=34560000; samesite=strict`;
}
