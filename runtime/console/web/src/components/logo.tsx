/** The logo of a connector, as an image: nothing in the SVG runs. */
export function Logo({ svg, name, size = 40 }: { svg: string | null | undefined; name: string; size?: number }) {
  if (!svg) {
    return <span className="logo letter" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>;
  }
  return <img className="logo" src={`data:image/svg+xml,${encodeURIComponent(svg)}`} alt="" width={size} height={size} />;
}
