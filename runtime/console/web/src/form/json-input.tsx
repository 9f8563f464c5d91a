// A list or an object, entered as JSON in a text field.

import { useEffect, useRef, useState, type TextareaHTMLAttributes } from "react";
import { useTexts } from "../text";

interface JsonInputProps {
  attributes?: TextareaHTMLAttributes<HTMLTextAreaElement>;
  /** `undefined` is shown as an empty field. */
  value: unknown;
  placeholder?: string;
  onChange: (value: unknown) => void;
}

/** What is not valid JSON yet stays in the field and is not applied. */
export function JsonInput({ attributes, value, placeholder, onChange }: JsonInputProps) {
  const t = useTexts();
  const current = value === undefined ? "" : JSON.stringify(value);
  const applied = useRef(current);
  const [text, setText] = useState(current);
  const [invalid, setInvalid] = useState(false);
  useEffect(() => {
    if (current === applied.current) return;
    applied.current = current;
    setText(current);
    setInvalid(false);
  }, [current]);
  const change = (next: string) => {
    setText(next);
    const read = readJson(next);
    setInvalid(read === undefined);
    if (!read) return;
    applied.current = read.value === undefined ? "" : JSON.stringify(read.value);
    onChange(read.value);
  };
  return (
    <>
      <textarea
        {...attributes}
        rows={2}
        value={text}
        placeholder={placeholder}
        spellCheck={false}
        onChange={(event) => change(event.target.value)}
      />
      {invalid && <p className="error">{t.templates.jsonInvalid}</p>}
    </>
  );
}

/** The value of a JSON text; an empty text has none. `undefined` if it is not valid. */
function readJson(text: string): { value: unknown } | undefined {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}
