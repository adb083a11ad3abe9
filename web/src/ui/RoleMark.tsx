export type Role = "actor" | "critic" | "reward" | "reference";

const NAMES: Record<Role, string> = {
  actor: "Actor (policy)",
  critic: "Critic (value)",
  reward: "Reward model",
  reference: "Reference, frozen",
};

/** The name of a role, as a legend writes it. */
export function roleName(role: Role): string {
  return NAMES[role];
}

/** The glyph of a role: disc, square, triangle, outlined diamond. Colour never stands alone. */
export function RoleMark({ role, size = 12 }: { role: Role; size?: number }) {
  return (
    <svg viewBox="0 0 12 12" width={size} height={size} aria-hidden="true">
      {role === "actor" && <circle cx="6" cy="6" r="5" fill="var(--actor)" />}
      {role === "critic" && (
        <rect x="1.2" y="1.2" width="9.6" height="9.6" rx="1.4" fill="var(--critic)" />
      )}
      {role === "reward" && <path d="M6 .8 11.4 10.6H.6Z" fill="var(--reward)" />}
      {role === "reference" && (
        <path
          d="M6 .9 11.1 6 6 11.1 .9 6Z"
          fill="none"
          stroke="var(--reference)"
          strokeWidth="1.8"
        />
      )}
    </svg>
  );
}

/** A role's name with its glyph, in its text colour. */
export function RoleName({ role, children }: { role: Role; children?: React.ReactNode }) {
  return (
    <span className={`role role-${role}`}>
      <RoleMark role={role} />
      {children ?? NAMES[role]}
    </span>
  );
}
