/** A page that shows files of examples: its text as it is, and as it is with the files of now. */
export interface PageWithFiles {
  readonly page: string;
  readonly text: string;
  readonly shown: string;
}

export declare function pagesWithFiles(): readonly PageWithFiles[];
