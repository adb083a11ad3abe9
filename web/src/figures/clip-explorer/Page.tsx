export default function Page() {
  return <h1 className="page page-title">Clip explorer</h1>;
}
