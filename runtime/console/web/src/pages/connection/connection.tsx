// The page of a connection, new or saved. Nothing is sent or saved until the user asks for it.

import { useQuery } from "@tanstack/react-query";
import { useParams } from "react-router";
import { connectionQuery, connectionsQuery, connectorQuery } from "../../api/queries";
import type { Connection } from "../../api/types";
import { Loaded } from "../../components/loaded";
import { Editor } from "./editor";

export default function ConnectionPage() {
  const { tenant = "", connector, connection } = useParams();
  return connection ? (
    <ExistingConnection key={connection} tenant={tenant} name={connection} />
  ) : (
    <NewConnection key={connector} tenant={tenant} id={connector ?? ""} />
  );
}

function ExistingConnection({ tenant, name }: { tenant: string; name: string }) {
  const connection = useQuery({ ...connectionQuery(tenant, name), refetchOnWindowFocus: false });
  return (
    <Loaded query={connection}>
      {(saved) => <WithConnector tenant={tenant} id={saved.connector} saved={saved} />}
    </Loaded>
  );
}

function NewConnection({ tenant, id }: { tenant: string; id: string }) {
  return <WithConnector tenant={tenant} id={id} />;
}

function WithConnector({ tenant, id, saved }: { tenant: string; id: string; saved?: Connection }) {
  const connector = useQuery({ ...connectorQuery(tenant, id), refetchOnWindowFocus: false });
  const connections = useQuery(connectionsQuery(tenant));
  return (
    <Loaded query={connector}>
      {(detail) => (
        <Loaded query={connections}>
          {(others) => <Editor tenant={tenant} connector={detail} saved={saved} others={others} />}
        </Loaded>
      )}
    </Loaded>
  );
}
