// The connectors that all tenants may choose, for the platform key: those that come with Sendbox, and those that were uploaded.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Upload } from "lucide-react";
import { Link } from "react-router";
import { ALL } from "../api/client";
import { connectorsQuery } from "../api/queries";
import { Button, PageHead } from "../parts/basics";
import { Catalogue } from "../parts/catalogue";
import { Loaded } from "../parts/loaded";
import { useTexts } from "../text";
import { UploadConnector } from "./upload";

export default function SharedConnectors() {
  const t = useTexts();
  const connectors = useQuery(connectorsQuery(ALL));
  const [uploading, setUploading] = useState(false);
  return (
    <>
      <p>
        <Link to="/tenants" className="with-icon"><ArrowLeft size={16} aria-hidden="true" /> {t.shell.allTenants}</Link>
      </p>
      <PageHead
        title={t.connectors.shared}
        lead={t.connectors.sharedLead}
        actions={
          <Button look="primary" icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
            {t.connectors.upload}
          </Button>
        }
      />
      <Loaded query={connectors}>{(all) => <Catalogue tenant={ALL} connectors={all} />}</Loaded>
      {uploading && <UploadConnector tenant={ALL} onClose={() => setUploading(false)} />}
    </>
  );
}
