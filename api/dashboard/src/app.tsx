// The frame of the page, and which view is in it.

import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { JobsPage } from "./pages/JobsPage";
import { Empty } from "./ui/parts";
import { ThemeSwitch } from "./ui/theme";

// Charts and forms are loaded by the views that have any.
const ForkPage = lazy(() => import("./pages/ForkPage"));
const JobPage = lazy(() => import("./pages/JobPage"));
const ComparePage = lazy(() => import("./pages/ComparePage"));
const NewJobPage = lazy(() => import("./pages/NewJobPage"));
const WorkersPage = lazy(() => import("./pages/WorkersPage"));

export function App() {
  return (
    <>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link href="/" className="brand" aria-label="Ganjobs, all jobs">
          <img src="/icon.svg" alt="" width="22" height="22" /> <span>Ganjobs</span>
        </Link>
        <nav aria-label="Views">
          <NavLink href="/">Jobs</NavLink>
          <NavLink href="/workers">Workers</NavLink>
          <a href="/docs">API</a>
        </nav>
        <Link href="/new" className="button primary">
          New job
        </Link>
        <ThemeSwitch />
      </header>
      <Content />
    </>
  );
}

function NavLink({ href, children }: { href: string; children: string }) {
  const [location] = useLocation();
  return (
    <Link href={href} aria-current={location === href ? "page" : undefined}>
      {children}
    </Link>
  );
}

function Content() {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(location);
  // Who goes to another view by keyboard or screen reader is to begin at its beginning.
  useEffect(() => {
    if (before.current !== location) {
      main.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    before.current = location;
  }, [location]);
  return (
    <main id="content" ref={main} tabIndex={-1}>
      <Suspense fallback={<Empty>Loading …</Empty>}>
        <Switch>
          <Route path="/" component={JobsPage} />
          <Route path="/jobs/:id">{({ id }) => <JobPage key={id} id={id} />}</Route>
          <Route path="/jobs/:id/fork">{({ id }) => <ForkPage key={id} id={id} />}</Route>
          <Route path="/compare" component={ComparePage} />
          <Route path="/new" component={NewJobPage} />
          <Route path="/workers" component={WorkersPage} />
          <Route>
            <Empty>
              There is nothing at this address. <Link href="/">All jobs</Link>
            </Empty>
          </Route>
        </Switch>
      </Suspense>
    </main>
  );
}
