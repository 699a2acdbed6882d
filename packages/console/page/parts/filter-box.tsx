interface FilterBoxProps {
  readonly value: string;
  readonly what: string;
  onChange(value: string): void;
}

/** Narrows what a view shows; `/` leads to it. */
export function FilterBox({ value, what, onChange }: FilterBoxProps) {
  return (
    <input
      type="search"
      class="filter"
      data-filter
      value={value}
      placeholder={`Filter ${what}  /`}
      aria-label={`Filter ${what}`}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}
