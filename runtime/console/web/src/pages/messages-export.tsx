// Saves the messages that fit the filters as a file.

import { useMutation } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { allMessages, asCsv, EXPORT_LIMIT, type MessageFilters } from "../api/message-list";
import { Button } from "../components/button";
import { ErrorNotice } from "../components/loaded";
import { useFormat, useTexts } from "../text";

type FileType = "csv" | "json";

export function ExportMessages({ tenant, filters }: { tenant: string; filters: MessageFilters }) {
  const t = useTexts();
  const format = useFormat();
  const save = useMutation({
    mutationFn: async (type: FileType) => {
      const messages = await allMessages(tenant, filters);
      const [text, mime] = type === "csv" ? [asCsv(messages), "text/csv"] : [JSON.stringify(messages, null, 2), "application/json"];
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([text], { type: `${mime};charset=utf-8` }));
      link.download = `${tenant}-messages.${type}`;
      link.click();
      // Browsers read it after the click.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      return messages.length;
    },
  });
  return (
    <div className="row exports">
      {(["csv", "json"] as const).map((type) => (
        <Button
          key={type}
          variant="quiet"
          icon={<Download size={16} aria-hidden="true" />}
          busy={save.isPending && save.variables === type}
          aria-label={t.messages.exportAs(type.toUpperCase())}
          title={t.messages.exportHelp(format.number(EXPORT_LIMIT))}
          onClick={() => save.mutate(type)}
        >
          {type.toUpperCase()}
        </Button>
      ))}
      <span className="fine" role="status">{save.isSuccess && t.messages.exported(save.data)}</span>
      {save.isError && <ErrorNotice error={save.error} />}
    </div>
  );
}
