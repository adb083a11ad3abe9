export default function Page() {
  return <h1 className="page page-title">Runs</h1>;
}
