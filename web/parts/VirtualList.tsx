// A list that may have a quarter of a million rows: only those in sight are in the document.
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

export interface VirtualListProps {
  readonly count: number;
  readonly rowHeight: number;
  /** Scrolled into sight when it changes. */
  readonly active?: number;
  readonly label: string;
  readonly render: (index: number) => ComponentChildren;
}

const spare = 8;

export function VirtualList({ count, rowHeight, active, label, render }: VirtualListProps) {
  const box = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);

  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const observer = new ResizeObserver(() => (height.value = element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = box.current as HTMLDivElement;
    if (active === undefined) return;
    const start = active * rowHeight;
    if (start < element.scrollTop) element.scrollTop = start;
    else if (start + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = start + rowHeight - element.clientHeight;
  }, [active, rowHeight]);

  const first = Math.max(0, Math.floor(top.value / rowHeight) - spare);
  const last = Math.min(count, Math.ceil((top.value + height.value) / rowHeight) + spare);
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  return (
    <div
      ref={box}
      class="virtual"
      role="list"
      aria-label={label}
      onScroll={(event) => (top.value = event.currentTarget.scrollTop)}
    >
      <div class="virtual-all" style={{ height: `${count * rowHeight}px` }}>
        <div class="virtual-seen" style={{ transform: `translateY(${first * rowHeight}px)` }}>
          {rows.map((index) => (
            <div
              key={index}
              role="listitem"
              aria-setsize={count}
              aria-posinset={index + 1}
              style={{ height: `${rowHeight}px` }}
            >
              {render(index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
