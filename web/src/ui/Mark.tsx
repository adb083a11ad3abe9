/** The mark: the clipped objective, flat past the point where it stops paying. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <g
        fill="none"
        stroke="var(--ink)"
        strokeWidth="3.2"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        <path d="M4 26 17 11h11" />
        <path d="M20 7.5 23 4" strokeDasharray="0.1 5" />
      </g>
      <circle cx="17" cy="11" r="4.2" fill="var(--actor)" />
    </svg>
  );
}
