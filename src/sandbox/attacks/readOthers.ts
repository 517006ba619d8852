// Reading the memory and files of the host's process, of the runtime and of siblings.
import { type Attack, ANY, oneTurn, py } from "./attack.ts";

export const READ_OTHERS: readonly Attack[] = [
  {
    name: "gt_inherited_memory",
    category: "read",
    turns: oneTurn(
      py`
        import sys,gc
        m=sys.modules.get('__main__')
        print(getattr(m,'GROUND_TRUTH',None))
        for o in gc.get_objects():
            if isinstance(o,dict):
                for k,v in list(o.items()):
                    if isinstance(v,str) and v[:5]=='CN'+'RY-': print('GC',k,v)
      `,
      ["ok"],
      { prints: /^None\n$/ },
    ),
  },
  {
    name: "gt_parent_proc_mem",
    category: "read",
    turns: oneTurn(
      py`
        import os,re
        def scan(pid):
            n=0
            for l in open(f'/proc/{pid}/maps'):
                p=l.split()
                if 'rw' not in p[1]: continue
                a,b=[int(x,16) for x in p[0].split('-')]
                if b-a>400<<20: continue
                with open(f'/proc/{pid}/mem','rb',0) as f:
                    try: f.seek(a); d=f.read(b-a)
                    except Exception: continue
                if d: print('READ', pid, len(d)); return
                for m in re.finditer(b'CN'+b'RY-[a-z]{3,8}-[0-9a-f]{6,}',d):
                    print(pid,m.group()); n+=1
                    if n>20: return
        for pid in (os.getppid(), @hostpid@, 1, 2):
            try: scan(pid)
            except Exception as e: print(type(e).__name__,e)
      `,
      ["ok"],
      { never: /READ/ },
    ),
  },
  {
    name: "scratch_of_a_sibling",
    category: "read",
    turns: oneTurn(
      py`
        import glob, os
        here = os.path.realpath('.')
        notes = {os.path.realpath(p) for d in ('..', '../..', '/tmp', '/var/tmp', '/dev/shm') for p in glob.glob(d + '/*/note.txt')}
        print('NOTES', [open(p).read() for p in notes if not p.startswith(here)])
        outputs = glob.glob('../*/.output') + glob.glob('/proc/[0-9]*/fd/1') + glob.glob('/proc/[0-9]*/cwd/note.txt')
        print('OUTPUTS', [p for p in outputs if os.path.realpath(os.path.dirname(p)) != here])
      `,
      ["ok"],
      { prints: /^NOTES \[\]\nOUTPUTS \[\]\n$/ },
    ),
  },
  {
    name: "memory_by_process_vm_readv",
    category: "read",
    turns: oneTurn(
      py`
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        class Vector(ctypes.Structure): _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t)]
        buffer = ctypes.create_string_buffer(16)
        mine, theirs = Vector(ctypes.addressof(buffer), 16), Vector(id(None), 16)
        others = [p for p in (os.getppid(), @hostpid@, *range(1, 400)) if p not in (0, os.getpid())]
        print('REACHED', [p for p in others if libc.process_vm_readv(p, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) > 0])
      `,
      ["ok"],
      { prints: /^REACHED \[\]\n$/ },
    ),
  },
  {
    name: "ptrace_of_others",
    category: "read",
    turns: oneTurn(
      py`
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        reached = []
        for p in {os.getppid(), @hostpid@, *range(1, 400)} - {0, os.getpid()}:
            if libc.ptrace(0x4206, p, None, None) == 0:
                reached.append(p)
                libc.ptrace(17, p, None, None)
        print('REACHED', reached)
      `,
      ["ok"],
      { prints: /^REACHED \[\]\n$/ },
    ),
  },
  {
    name: "other_sessions_in_the_stack",
    category: "read",
    turns: oneTurn(
      py`
        import gc, sys
        frame, names = sys._getframe(), set()
        while frame:
            for value in frame.f_locals.values():
                if isinstance(value, dict) and 'videos' in value: names.update(map(str, value['videos']))
            frame = frame.f_back
        texts = [v for o in gc.get_objects() if isinstance(o, dict) for v in list(o.values()) if isinstance(v, (str, bytes))]
        print('LEAKED', [t for t in texts if 'x = ' + '41' in str(t)], sorted(names))
      `,
      ANY,
      { never: /LEAKED \['/ },
    ),
  },
];
