// A time: how long ago it was, with the exact time on hover; or the date, if that is longer ago than a day.

import { useFormat } from "../text";

const DAY_MS = 86_400_000;

export function Time({ value }: { value: string }) {
  const format = useFormat();
  const isRecent = Math.abs(Date.now() - new Date(value).getTime()) < DAY_MS;
  return (
    <time dateTime={value} title={format.exact(value)}>{isRecent ? format.ago(value) : format.dateTime(value)}</time>
  );
}
