// The README of a connector, as Markdown. HTML in it is shown as text, images are not loaded.

import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";

export default function Readme({ markdown }: { markdown: string }) {
  return (
    <div className="readme">
      <Markdown
        remarkPlugins={[remarkGfm]}
        components={{
          // The page itself has the h1.
          h1: ({ children }) => <h2>{children}</h2>,
          h2: ({ children }) => <h3>{children}</h3>,
          h3: ({ children }) => <h4>{children}</h4>,
          a: ({ href, children }) => <a href={href} target="_blank" rel="noreferrer noopener">{children}</a>,
          img: ({ alt }) => <em>{alt}</em>,
          table: ({ children }) => <div className="scrolled" tabIndex={0} role="group"><table>{children}</table></div>,
        }}
      >
        {markdown}
      </Markdown>
    </div>
  );
}
