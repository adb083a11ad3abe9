export default function Page() {
  return <h1 className="page page-title">Challenge</h1>;
}
