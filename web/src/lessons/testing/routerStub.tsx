/** Stands in for the router in tests of parts: links become plain anchors with their address. */

interface StubLinkProps extends React.AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
  params?: Record<string, string>;
}

export function Link({ to, params = {}, children, ...rest }: StubLinkProps) {
  const href = to.replace(/\$(\w+)/g, (_, name: string) => params[name] ?? `$${name}`);
  return (
    <a {...rest} href={href}>
      {children}
    </a>
  );
}
