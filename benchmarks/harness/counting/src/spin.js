// Does nothing for as long as it is told.
export function spin(request) {
  ccf.enableUntrustedDateTime(true);
  const end = Date.now() + Number(request.params.milliseconds);
  let steps = 0;
  while (Date.now() < end) steps++;
  return { body: { steps } };
}
