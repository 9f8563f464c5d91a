// The connectors of all tenants, built-in and uploaded. Needs the platform key.

import { useState } from "react";
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Upload } from "lucide-react";
import { Link } from "react-router";
import { ALL_TENANTS } from "../api/client";
import { connectorsQuery } from "../api/queries";
import { Button } from "../components/button";
import { Catalogue } from "../components/catalogue";
import { PageHeader } from "../components/layout";
import { Loaded } from "../components/loaded";
import { useTexts } from "../text";
import { UploadDialog } from "./versions/upload";

export default function SharedConnectors() {
  const t = useTexts();
  const connectors = useQuery(connectorsQuery(ALL_TENANTS));
  const [uploading, setUploading] = useState(false);
  return (
    <>
      <p>
        <Link to="/tenants" className="with-icon"><ArrowLeft size={16} aria-hidden="true" /> {t.shell.allTenants}</Link>
      </p>
      <PageHeader
        title={t.connectors.shared}
        lead={t.connectors.sharedLead}
        actions={
          <Button variant="primary" icon={<Upload size={16} aria-hidden="true" />} onClick={() => setUploading(true)}>
            {t.connectors.upload}
          </Button>
        }
      />
      <Loaded query={connectors}>{(all) => <Catalogue tenant={ALL_TENANTS} connectors={all} />}</Loaded>
      {uploading && <UploadDialog tenant={ALL_TENANTS} onClose={() => setUploading(false)} />}
    </>
  );
}
