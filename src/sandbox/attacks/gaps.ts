// What a weaker kind of isolation lets through, by the attack's name: the exclusions of the suite for it.

/** Level `lite`: Landlock and the system call filter, without name spaces and without mounts of its own. */
export const LITE_GAPS: Readonly<Record<string, string>> = {
  existence_of_host_files:
    "Landlock does not govern stat, access, chdir and statvfs: names and sizes can be asked for",
  dns_getaddrinfo: "the machine's name is seen without a UTS name space",
  native_library_from_scratch: "the scratch folder is not a mount of its own, so it cannot be noexec",
  inode_fill: "the scratch folder is not a mount of its own, so it has no quota of files",
  disk_fill: "the scratch folder is not a mount of its own, so only the size of each file is limited",
};
